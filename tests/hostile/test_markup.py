"""Hostile text on every page (XSS): Markdown, SVG, titles, names of files and people, put wherever text can be put."""

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote, urlencode

import msgspec
import pytest

import leak_tables as tables
import walking
from clearinghouse.core.roles import Role
from world import API, World, opened_world

HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg onload=alert(1)>", "javascript:alert(1)", "</textarea><script>alert(1)</script>",
    "<iframe src=//evil.example>", "{{7*7}}{% raise %}", "</title><script>alert(1)</script>", "<base href=//evil.example>", '" autofocus onfocus=alert(1) x="',
    "<style>*{background:url(//evil.example)}</style>", "<form action=//evil.example><input name=_csrf_token>", "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<a href='java&#x09;script:alert(1)'>x</a>", "<math><mtext><script>alert(1)</script>", "\u2028<script>alert(1)</script>", "<!--><script>alert(1)</script>-->",
)
MARKDOWN = "\n\n".join((
    *HOSTILE, "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](data:text/html;base64,PHNjcmlwdD4=)", "[x](vbscript:x)", "![x](https://evil.example/x.png)",
    "![x](javascript:alert(1))", "<https://evil.example/\"onmouseover=alert(1)>", "[x]( javascript:alert(1))", "[a]: javascript:alert(1)\n\n[a]", "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```", "[x](//evil.example)", "| <script>alert(1)</script> |\n|-|\n| x |", "<div style=\"position:fixed\">x</div>",
    "[x](https://evil.example \"' onclick=alert(1)\")", "https://evil.example/<script>alert(1)</script>", "# <img src=x onerror=alert(1)>",
))
ALL = " ".join(HOSTILE)
_OURS = ("/", "#", "?", "mailto:", "https://", "http://")
_NEVER = {"iframe", "object", "embed", "base", "frame", "applet", "portal", "style", "foreignobject", "animate", "set"}
_ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "poster", "data", "srcset", "background", "ping", "manifest"}


class Page(HTMLParser):
    """What of a page a browser would run or fetch that is not ours."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Every element, with every attribute."""
        said = {name: value or "" for name, value in attributes}
        if tag in _NEVER or (tag == "meta" and "http-equiv" in said):
            self.wrong.append(f"<{tag}> {said}")
        if tag == "script" and not said.get("src", "").startswith("/static/"):
            self.wrong.append(f"a script of its own: {said}")
        self._in_script = tag == "script"
        if tag in ("link", "img", "source", "use", "image", "video", "audio", "script"):
            self.wrong += [f"<{tag}> fetches {said[name]}" for name in ("href", "src", "xlink:href") if not said.get(name, "/").startswith(("/", "#"))]
        if tag == "form" and not said.get("action", "/").startswith("/"):
            self.wrong.append(f"a form to {said['action']}")
        for name, value in said.items():
            address = "".join(value.split()).lower()
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.wrong.append(f"<{tag} {name}={value[:60]!r}>")
            if name in _ADDRESSES and (not address.startswith(_OURS) or address.startswith("//")) and address:
                self.wrong.append(f"<{tag} {name}={value[:80]!r}>")

    def handle_endtag(self, tag: str) -> None:
        """The end of a script."""
        self._in_script = False

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        if self._in_script and data.strip():
            self.wrong.append(f"in a script: {data[:80]!r}")


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which everything that can be called something is called something hostile."""
    folder = tmp_path_factory.mktemp("markup")
    with opened_world(f"sqlite:///{folder / 'world.db'}", folder / "home") as world:
        for name, role in (("finder", Role.REPORTER), ("vendor", Role.VENDOR), ("admin", Role.ADMINISTRATOR)):
            world.add_person(name, world.add_organisation(f'{name} "><script>alert(1)</script>'), role)
            world.organisations[name] = world.organisations[f'{name} "><script>alert(1)</script>']
        world.sign_in(*world.people)
        line = msgspec.json.encode({
            "title": ALL[:280], "description": MARKDOWN, "reproduction": MARKDOWN, "impact": MARKDOWN, "remediation": MARKDOWN, "products": list(HOSTILE),
            "symbols": list(HOSTILE), "references": ["javascript:alert(1)", "https://evil.example/\"onclick=alert(1)", "data:text/html,x", *HOSTILE],
            "credits": list(HOSTILE), "reporter": HOSTILE[1], "repository": "javascript:alert(1)", "locations": [
                {"path": HOSTILE[0], "symbol": HOSTILE[1], "url": "javascript:alert(1)", "snippet": MARKDOWN, "parameter": HOSTILE[2]}],
            "producer": {"tool": HOSTILE[0], "model": HOSTILE[1], "harness": HOSTILE[2], "reviewer": HOSTILE[3]},
            "packages": [["npm", HOSTILE[1]], [HOSTILE[0], "x"]], "aliases": list(HOSTILE), "severities": [{"scheme": HOSTILE[0], "label": HOSTILE[1], "by": HOSTILE[2]}],
            "crash": {"tool": HOSTILE[0], "kind": HOSTILE[1], "frames": [{"function": HOSTILE[2], "path": HOSTILE[0]}]},
        }) + b"\n"
        sent: list[str] = []
        for name in ('<script>alert(1)</script>.svg"', "../../x.html"):
            answer = world.call("finder", "POST", f"{API}/submissions?wait=10&source=ndjson", body=line.replace(b"alert(1)", f"alert({len(sent)})".encode()), headers={"X-File-Name": name})
            assert answer.status == 201, answer.text
            found = msgspec.json.decode(answer.body)
            assert found["items"], found
            sent.append(found["items"][0]["report_id"])
            world.note_report(sent[-1], found["submission_id"], ("operator", "finder"), ())
        everybody = ("operator", "finder", "vendor")
        case = world.do("operator", "POST", "/cases", {
            "reports": [sent[0]], "title": ALL[:290], "summary": MARKDOWN[:3900], "reason": MARKDOWN[:3900], "marks": {"tlp": "AMBER", "legal_basis": ALL[:400]},
        })["id"]
        world.thing("case_id", case, everybody)
        world.thing("report_id", sent[0], everybody, parent=case)
        at = f"/cases/{case}"
        world.do("operator", "POST", f"{at}/participants", {"party": world.id("vendor"), "role": "vendor", "reason": MARKDOWN[:3900]})
        world.thing("word", ALL, ())
        world.do("vendor", "POST", f"{at}/accept")
        flaw = world.do("operator", "POST", f"{at}/vulnerabilities", {"title": ALL[:290], "identifiers": [text[:90] for text in HOSTILE]})["id"]
        world.do("vendor", "POST", f"{at}/vulnerabilities/{flaw}/statements", {"status": "fixed", "statement": MARKDOWN})
        world.do("vendor", "POST", f"{at}/threads/official/messages", {"body": MARKDOWN})
        world.do("operator", "POST", f"{at}/threads", {"title": ALL[:290], "members": [world.id("vendor")]})
        for name in ("<svg onload=alert(1)>.svg", '"><script>alert(1)</script>.html', "x.svg"):
            file = world.do("operator", "POST", f"{at}/documents?kind=other&name={quote(name, safe='')}", body=b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')
            world.thing("document_id", file["id"], everybody, parent=case)
        world.do("operator", "POST", f"{at}/decisions", {"kind": "severity", "reason": MARKDOWN[:3900]})
        world.do("vendor", "POST", f"{at}/embargo/proposals", {"ends_at": tables.SOON, "note": MARKDOWN[:3900]})
        world.do("vendor", "POST", f"{at}/embargo/facts", {"milestone": "fix_expected", "at": tables.SOON, "note": MARKDOWN[:3900]})
        world.do("vendor", "POST", f"{at}/embargo/leaks", {"where": MARKDOWN[:3900], "seen_at": "2026-11-21T08:00:00Z"})
        world.do("operator", "POST", f"{at}/contact", {"whom": ALL[:290]})
        yield world


def pages(world: World) -> Iterator[tuple[str, str]]:
    """Every page everybody can open, by who and address, with its text."""
    for who in world.people:
        for route in walking.routes_of(world.application.app):
            if route.method != "GET" or not tables.is_page(route.key) or set(route.parameters) & set(tables.NO_IDS) or route.key in tables.ENDLESS:
                continue
            for template in walking.templates_of(route):
                for filling in walking.fillings(world, who, walking.places_of(route, template)):
                    if not filling.foreign:
                        each = walking.question(route, template, filling)
                        answer = world.application.call("GET", each.target, world.headers(who))
                        assert answer.status < 500, (who, each.target)
                        if answer.header("content-type").startswith("text/html"):
                            yield f"{who} {each.target}", answer.text
                        elif answer.status == 200 and answer.header("content-disposition"):
                            assert answer.header("content-type").startswith(("application/octet-stream", "text/plain")), each.target


def test_no_page_runs_what_was_written(marked: World) -> None:
    wrong: list[str] = []
    escaped = 0
    for where, text in pages(marked):
        page = Page()
        page.feed(text)
        page.close()
        wrong += [f"{where}: {entry}" for entry in page.wrong]
        wrong += [f"{where}: a template ran" for _ in range("49{% raise" in text)]
        escaped += "&lt;script&gt;" in text
    assert sorted(set(wrong)) == []
    assert escaped > 8, "hardly any page showed the hostile text at all"


def test_page_is_seen_to_run_something() -> None:
    """Else the test above would hold for whatever a page does."""
    for text in (*HOSTILE[:3], '<a href="javascript:alert(1)">', "<iframe>", "<form action=//x>", "<img src=https://x>", '<p style="a">', "<a href='//x'>"):
        page = Page()
        page.feed(text)
        assert page.wrong, text
    page = Page()
    page.feed('<script src="/static/live.js"></script><a href="/x">x</a><form action="/y"></form>')
    assert page.wrong == []


@pytest.mark.parametrize("text", [*HOSTILE, ALL])
def test_what_was_typed_comes_back_harmless(marked: World, text: str) -> None:
    for path in ("/search?q=", "/inbox?text=", "/inbox?source=", "/inbox?answer=", "/sign-in?back=/", "/enrol?invitation=", "/ledger?event=", "/cases?x=", "/inbox?before="):
        answer = marked.application.call("GET", path + quote(text, safe=""), marked.headers("operator"))
        assert answer.status < 500, (path, answer.status)
        page = Page()
        page.feed(answer.text)
        assert page.wrong == [], path
    person = marked.people["finder"]
    for path, names in (("/submit", ("product", "what", "where", "reproduce", "contact", "name", "tool", "tlp")), ("/sign-in", ("name", "password", "code", "back")),
                        ("/status", ("code",)), ("/enrol", ("project", "name", "invitation"))):
        body = urlencode({**person.form, **dict.fromkeys(names, text)}).encode()
        answer = marked.application.call("POST", path, {**person.headers, "Content-Type": "application/x-www-form-urlencoded"}, body)
        assert answer.status < 500, (path, answer.status)
        page = Page()
        page.feed(answer.text)
        assert page.wrong == [], path


def test_every_page_says_that_nothing_foreign_runs(marked: World) -> None:
    for path in ("/", "/sign-in", "/submit", "/status", "/inbox", "/cases", "/nothing", "/api/v1/reports", "/static/live.js"):
        answer = marked.application.call("GET", path, marked.headers("operator"))
        policy = answer.header("content-security-policy")
        assert "default-src 'none'" in policy, path
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer.header("x-content-type-options") == "nosniff"
