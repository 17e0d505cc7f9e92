"""Pages from templates: every text escaped, a missing variable an error, nothing inline that the content security policy forbids.

What every page is handed is a `Page`; what one page needs beside it stands at the top of its template. The routes that templates link to:
`/` `/queue` `/inbox` `/reports/ID` `/reports/ID/compare/ID` `/cases` `/cases/ID` `/search` `/submit` `/status` `/statistics` `/maintainer`
`/act/TOKEN` `/packet/TOKEN` `/charter/TOKEN` `/contact/TOKEN` `/account` `/admin` `/ledger` `/sign-in` `/sign-out` `/enrol` `/theme` `/live` `/static/NAME`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from clearinghouse.core.roles import Role
from clearinghouse.core.untrusted import clean_text
from clearinghouse.web import plots, text
from clearinghouse.web.icons import icon
from clearinghouse.web.markdown import link_target, render_markdown

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""Sent with every page. Templates hold no inline script and no inline style; a test walks them."""
CSRF_FIELD = "_csrf_token"
"""Name of the hidden field of every form; scripts send the same value as the header `x-csrftoken`."""
THEMES = ("auto", "light", "dark")
STATIC = resources.files("clearinghouse.web") / "static"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page."""

    name: str
    roles: frozenset[Role] = frozenset()
    organisation: str = ""
    maintains: bool = False
    """Whether there is a project of theirs: they are offered the maintainer's page."""
    waiting: int = 0
    """How much needs them now, beside the link to the queue."""

    def has(self, *roles: str) -> bool:
        """Whether one of these roles is held."""
        return any(role in self.roles for role in roles)


@dataclass(frozen=True, slots=True)
class Flash:
    """What the last action did, said once on the next page; works without a script."""

    kind: str
    """`done`, `note` or `problem`."""
    message: str
    undo_action: str = ""
    """Where a form posts to take it back; empty where that cannot be done."""
    undo_fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed into a form that was sent back, and what was wrong with it, each by the field's name."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """The empty name holds what concerns the whole form."""

    def value(self, name: str, default: str = "") -> str:
        """What stood in a field."""
        return self.values.get(name, default)

    def error(self, name: str) -> str:
        """What was wrong with a field; empty where nothing was."""
        return self.errors.get(name, "")


@dataclass(frozen=True, slots=True)
class Page:
    """What every page is handed."""

    now: datetime
    path: str
    """Path of the request, with which the navigation finds where one is."""
    viewer: Viewer | None = None
    csrf: str = ""
    theme: str = "auto"
    """One of `THEMES`, from the visitor's cookie."""
    flashes: tuple[Flash, ...] = ()
    instance: str = "Clearinghouse"
    """Name of the organisation that runs the instance."""

    def within(self, path: str) -> bool:
        """Whether the page stands at or below a path."""
        return self.path == path or self.path.startswith(path + "/")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the field as a chip: its picture and its tone; neither says more than the word."""

    picture: str
    tone: str
    title: str


ANSWERS: Mapping[str, Word] = {
    "new": Word("new", "good", "nothing held resembles it enough"),
    "duplicate": Word("duplicate", "blue", "the same flaw as one received before"),
    "unsure": Word("unsure", "warn", "a person should look"),
    "variant": Word("variant", "violet", "the same kind of weakness at another place"),
    "related": Word("related", "quiet", "names or touches a known flaw without being it"),
    "waiting": Word("waiting", "quiet", "not compared yet"),
    "received": Word("received", "quiet", "received; you are told more once a person has looked"),
    "reviewed": Word("done", "quiet", "a person has looked at it"),
    "public": Word("public", "quiet", "a public record, held to compare against"),
}
_STATES: Mapping[str, str] = {
    "affected": "bad", "known_affected": "bad", "not_affected": "good", "known_not_affected": "good", "fixed": "good",
    "under_investigation": "warn", "unknown": "quiet", "active": "good", "proposed": "warn", "revise": "warn", "exited": "quiet",
    "none": "quiet", "invited": "warn", "accepted": "good", "signatory": "good", "declined": "bad", "lapsed": "bad", "ok": "good",
    "missing": "warn", "broken": "bad", "valid": "good", "open": "good", "closed": "quiet", "pending": "warn", "delivered": "good",
    "failed": "bad", "overdue": "bad", "due": "warn", "done": "good", "withdrawn": "quiet", "silent": "warn", "accepted_with_warnings": "warn",
    "refused": "bad", "opened": "good", "partly opened": "blue", "held": "quiet",
    "in_force": "good", "retired": "quiet",
    "window_open": "good", "paused": "warn", "submitted": "warn", "terms_signed": "blue", "plan_frozen": "blue", "window_closed": "quiet",
    "signed": "good", "waits": "warn", "suspended": "warn", "standing": "good", "chosen": "good", "changed": "bad", "same": "good",
    "upheld": "good", "rejected": "bad", "first": "good", "independent": "blue",
}


def answer(verdict: str, title: str = "") -> Markup:
    """A verdict of deconfliction as a chip with its picture, its word and its meaning."""
    found = ANSWERS.get(verdict, Word("waiting", "quiet", verdict))
    return Markup('<span class="chip {}" title="{}">{}{}</span>').format(found.tone, title or found.title, icon(found.picture), verdict)


def state(word: str) -> Markup:
    """A state as a chip: the word as the standard spells it, underscores read as spaces."""
    return Markup('<span class="chip {}">{}</span>').format(_STATES.get(word, "quiet"), text.one_line(word, 60).replace("_", " "))


_BENCH: Mapping[str, tuple[str, str]] = {
    "validated": ("good", "done"), "reproduced": ("good", "done"), "still fires": ("bad", "warning"), "other effect": ("warn", "unsure"),
    "flaky": ("warn", "unsure"), "not reproduced": ("quiet", "unsure"), "unproven": ("warn", "warning"), "no run": ("quiet", "no"),
}


_LOG_CHARACTERS_MAX = 400_000  # of a log on a page; who hands it in has cut it to what policy says


def badge(words: str) -> Markup:
    """What the bench saw as a chip: verdict and, where it rests on something, its trust tier."""
    tone, picture = _BENCH.get(words.partition(",")[0].replace("_", " "), ("quiet", "waiting"))
    return Markup('<span class="chip {}" title="{}">{}{}</span>').format(tone, "what the validation bench saw", icon(picture), text.one_line(words.replace("_", " "), 40))


def tlp(label: str) -> Markup:
    """A TLP 2.0 label as FIRST draws it: coloured letters on black (TLP 2.0, 4)."""
    known = {"CLEAR": "clear", "GREEN": "green", "AMBER": "amber", "AMBER+STRICT": "amber", "RED": "red"}
    said = str(label).upper().removeprefix("TLP:")
    if said not in known:
        return Markup('<span class="chip quiet">no TLP label</span>')
    return Markup('<span class="tlp {}">TLP:{}</span>').format(known[said], said)


def severity(score: float | None, label: str = "") -> Markup:
    """A severity as claimed: number and word, the word by the bands of CVSS where none is given."""
    bands = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "none"))
    word = label.lower() or ("" if score is None else next(name for least, name in bands if score >= least))
    tone = {"critical": "bad", "high": "bad", "medium": "warn", "moderate": "warn", "low": "blue"}.get(word, "quiet")
    said = " ".join(part for part in ("" if score is None else f"{score:.1f}", word) if part) or "not given"
    return Markup('<span class="chip {}">{}</span>').format(tone, text.one_line(said, 40))


def outside_link(untrusted_url: str, width: int = 80) -> Markup:
    """An address from outside: a link where it may be followed, else text."""
    found = link_target(untrusted_url)
    shown = text.one_line(untrusted_url, width)
    if found is None:
        return Markup('<code>{}</code>').format(shown)
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(found[0], shown)


def csrf_field(page: Page) -> Markup:
    """The hidden field that every form needs."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, page.csrf)


@lru_cache
def asset(name: str) -> str:
    """The address of a static file, with its digest so that it may be kept for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


@cache
def environment() -> Environment:
    """The environment of all templates."""
    made = Environment(
        loader=PackageLoader("clearinghouse.web", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        line=text.one_line, prose=render_markdown, instant=text.instant, ago=text.relative, words=text.relative_words,
        lasting=text.duration_words, number=text.number, size=text.size_words, id=text.full_id, typed=text.paragraphs, answer=answer,
        state=state, badge=badge, log=lambda untrusted: clean_text(untrusted, _LOG_CHARACTERS_MAX), tlp=tlp, outside=outside_link, bar=lambda pair: plots.Bar(*pair), pair_of_day=lambda day: (day.day, day.received, day.joined),
    )
    made.globals.update(
        icon=icon, asset=asset, csrf_field=csrf_field, severity=severity, plural=text.plural, plots=plots, Form=Form,
        evidence_chart=plots.evidence_chart, THEMES=THEMES, ANSWERS=ANSWERS,
    )
    return made


def render(template: str, page: Page, **context: object) -> str:
    """A page as HTML.

    Args:
        template: name of a file of `templates/`; the variables it needs stand at its top.
    Raises:
        jinja2.UndefinedError: a variable was not handed in; a mistake of ours.
    """
    return environment().get_template(template).render(page=page, **context)
