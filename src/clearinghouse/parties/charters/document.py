"""Reading a charter: TOML or JSON in, a checked charter out, and every problem with its place.

Nothing of a charter is executed, fetched or followed. What is not understood is warned about; what is wrong is
an error, and a document with an error is not read in part.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

import jsonschema_rs
import rfc8785

from clearinghouse.core.clock import parse_instant, render_instant
from clearinghouse.core.policy import CharterLimits
from clearinghouse.core.product import parse_purl
from clearinghouse.core.severity import Band
from clearinghouse.core.untrusted import clean_line, clean_text
from clearinghouse.parties.charters.lines import line_of, toml_lines
from clearinghouse.parties.charters.matching import package_key, repository_key
from clearinghouse.parties.charters.records import (
    Channel,
    Charter,
    Contact,
    EmbargoTerms,
    Exclusion,
    Grade,
    OptOut,
    Problem,
    Take,
    Want,
)

FILE_NAMES = ("disclosure-charter.toml", "disclosure-charter.json")
"""TOML is the form to write; JSON is read as well."""
_PROBLEMS_MAX = 30
_DEPTH_MAX = 8  # the format nests four levels deep
# A key of very many parts costs the TOML reader the square of their number.
_DOTTED_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){16}""")
_AT_LINE = re.compile(r"\(at line (\d+)")
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")


@dataclass(frozen=True, slots=True)
class Read:
    """What became of reading a document."""

    charter: Charter | None
    """None where there is an error."""
    problems: tuple[Problem, ...]
    document: bytes = b""
    """Canonical JSON (RFC 8785) of what is understood: the same for TOML and JSON."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stopped it."""
        return tuple(problem for problem in self.problems if problem.grade is Grade.ERROR)

    @property
    def digest(self) -> str:
        """`sha256:HEX` of the canonical document."""
        return "sha256:" + hashlib.sha256(self.document).hexdigest()


def read_document(untrusted_bytes: bytes, limits: CharterLimits, now: datetime) -> Read:
    """A charter and what is wrong with it; never raises for what is in the document."""
    if len(untrusted_bytes) > limits.document_bytes_max:
        return _failed("", None, f"a charter is at most {limits.document_bytes_max} bytes long; this one has {len(untrusted_bytes)}")
    try:
        text = untrusted_bytes.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return _failed("", None, f"a charter is UTF-8 text; byte {error.start} is not")
    if _DOTTED_KEY.search(text) is not None:
        return _failed("", None, "a name of more than sixteen parts between dots; a charter has none")
    is_json = text.lstrip()[:1] == "{"
    lines: Mapping[str, int] = {} if is_json else toml_lines(text)
    try:
        value = _plain(_load_json(text) if is_json else tomllib.loads(text), 0)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        return _failed("", int(found[1]) if found else None, f"no TOML: {clean_line(str(error), 200)}")
    except json.JSONDecodeError as error:
        return _failed("", error.lineno, f"no JSON: {error.msg} (column {error.colno})")
    except RecursionError:
        return _failed("", None, f"nested more than {_DEPTH_MAX} levels deep; a charter needs four")
    except (ValueError, OverflowError) as error:
        return _failed("", None, f"cannot be read: {clean_line(str(error), 200)}")
    problems: list[Problem] = []

    def tell(grade: Grade, place: str, message: str) -> None:
        if len(problems) < _PROBLEMS_MAX:
            problems.append(Problem(grade, place, line_of(lines, place), clean_line(message, 300)))

    for place, message in islice(_broken(value), _PROBLEMS_MAX):
        tell(Grade.ERROR, place, message)
    if any(problem.grade is Grade.ERROR for problem in problems):
        return Read(None, tuple(problems))
    known = _known(value, _schema(), "", tell)
    for grade, place, message in _checked(known, limits, now):
        tell(grade, place, message)
    if any(problem.grade is Grade.ERROR for problem in problems):
        return Read(None, tuple(problems))
    return Read(_build(known), tuple(problems), rfc8785.dumps(known))


def build_charter(document: bytes) -> Charter:
    """The charter of a canonical document kept earlier."""
    return _build(json.loads(document))


def schema_document() -> dict[str, Any]:
    """The JSON Schema of the format, as shipped."""
    return json.loads(json.dumps(_schema()))  # type: ignore[no-any-return]  # a schema is an object


def _failed(place: str, line: int | None, message: str) -> Read:
    return Read(None, (Problem(Grade.ERROR, place, line, message),))


@cache
def _schema() -> dict[str, Any]:
    name = "disclosure-charter-1.schema.json"
    schema: dict[str, Any] = json.loads((resources.files("clearinghouse.parties.charters") / name).read_text("utf-8"))
    return schema


@cache
def _validator() -> Any:
    return jsonschema_rs.validator_for(_schema(), validate_formats=True)


def _load_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(names) <= 1000 else ["too many names"]
        if twice:
            raise ValueError(f"{clean_line(twice[0], 60)!r} stands twice in one object")
        return dict(pairs)

    def no_number(name: str) -> Any:
        raise ValueError(f"{name} is no JSON number")

    return json.loads(text, object_pairs_hook=unique, parse_constant=no_number)


def _plain(value: Any, depth: int) -> Any:
    """The value with instants as text and every text cleaned."""
    if depth > _DEPTH_MAX:
        raise RecursionError
    match value:
        case dict():
            return {clean_line(str(name), 100): _plain(entry, depth + 1) for name, entry in value.items()}
        case list():
            return [_plain(entry, depth + 1) for entry in value]
        case str():
            return clean_text(value, len(value)).strip()
        case datetime():
            return render_instant(value if value.tzinfo else parse_instant(value.isoformat()))
        case date() | time():
            return value.isoformat() + ("T00:00:00Z" if isinstance(value, date) else "")
        case float() if value.is_integer() and abs(value) < 1e9:
            return int(value)
    return value


def _broken(value: Any) -> Iterator[tuple[str, str]]:
    try:
        for error in _validator().iter_errors(value):
            place = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path)
            wanted = _at(error.schema_path[:-1]).get("description", "")
            yield place, error.message[:200] + (f" ({wanted})" if wanted and place else "")
    except (ValueError, OverflowError, TypeError) as error:
        yield "", f"cannot be held against the format ({type(error).__name__})"


def _at(path: Any) -> dict[str, Any]:
    node: Any = _schema()
    for step in path:
        node = node.get(step, {}) if isinstance(node, dict) else {}
    return node if isinstance(node, dict) else {}


def _known(value: Any, schema: dict[str, Any], place: str, tell: Any) -> Any:
    """The value without the keys the format does not list; each of those is warned about."""
    if isinstance(value, dict):
        listed = schema.get("properties", {})
        kept = {}
        for name, entry in value.items():
            here = f"{place}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in listed:
                kept[name] = _known(entry, listed[name], here, tell)
            elif here != "/$schema":
                near = next((other for other in listed if other.replace("_", "") == name.lower().replace("_", "").replace("-", "")), "")
                tell(Grade.WARNING, here, "is not known to this format and says nothing" + (f"; `{near}` was perhaps meant" if near else ""))
        return kept
    if isinstance(value, list):
        return [_known(entry, schema.get("items", {}), f"{place}/{number}", tell) for number, entry in enumerate(value)]
    return value


def _checked(known: dict[str, Any], limits: CharterLimits, now: datetime) -> Iterator[tuple[Grade, str, str]]:
    """What no schema can say, with the instants of the document brought into one spelling."""
    project = known["project"]
    for number, purl in enumerate(project.get("packages", [])):
        place = f"/project/packages/{number}"
        try:
            package, version = parse_purl(purl)
        except ValueError:
            yield Grade.ERROR, place, "no package URL; write pkg:TYPE/NAMESPACE/NAME, for example pkg:pypi/libexample"
            continue
        if package_key(package) is None:
            yield Grade.ERROR, place, "names no package that could be compared with others"
        if version:
            yield Grade.WARNING, place, "names a version; a charter speaks for all versions, and the version is ignored"
    for number, address in enumerate(project.get("repositories", [])):
        if repository_key(address) is None or "@" in address:
            yield Grade.ERROR, f"/project/repositories/{number}", "no address of a repository; write https://HOST/OWNER/NAME without a user or password"
    if not project.get("packages") and not project.get("repositories"):
        yield Grade.WARNING, "/project", "names neither packages nor repositories: no finding can be matched to it"
    for number, contact in enumerate(known.get("contact", [])):
        yield from _checked_contact(contact, f"/contact/{number}")
    yield from _checked_numbers(known)
    for where, name in (("project", "valid_until"), ("opt_out", "until")):
        if (instant := known.get(where, {}).get(name)) is not None:
            try:
                at = parse_instant(instant)
            except ValueError:
                yield Grade.ERROR, f"/{where}/{name}", "no instant that exists; write for example 2027-12-31T00:00:00Z"
                continue
            known[where][name] = render_instant(at)
            if at <= now:
                yield Grade.WARNING, f"/{where}/{name}", "is past already"
    ids = [entry["id"] for entry in known.get("scope", {}).get("not_a_vulnerability", [])]
    for number, name in enumerate(ids):
        if name in ids[:number]:
            yield Grade.ERROR, f"/scope/not_a_vulnerability/{number}/id", "is used twice; an answer could not point at it"
    if (key := known.get("keys", {}).get("openpgp")) is not None:
        yield from _checked_key(key)
    for place, text in _texts(known, ""):
        if len(text) > limits.text_characters_max and place != "/keys/openpgp":
            yield Grade.ERROR, place, f"is longer than {limits.text_characters_max} characters; put it behind an address"


def _checked_contact(contact: dict[str, Any], place: str) -> Iterator[tuple[Grade, str, str]]:
    channel, address = Channel(contact["channel"]), contact.get("address", "")
    if channel is Channel.EMAIL and not _EMAIL.fullmatch(address):
        yield Grade.ERROR, f"{place}/address", "is no e-mail address; write one, without a name around it"
    elif channel in (Channel.GITHUB_PRIVATE, Channel.ISSUE_TRACKER) and not re.fullmatch(r"https://[^\s@]+", address):
        yield Grade.ERROR, f"{place}/address", f"{channel} needs an https address"


def _checked_numbers(known: dict[str, Any]) -> Iterator[tuple[Grade, str, str]]:
    capacity, embargo = known.get("capacity", {}), known.get("embargo", {})
    if "burst" in capacity and "per_week" in capacity and capacity["burst"] > max(1, capacity["per_week"]):
        yield Grade.WARNING, "/capacity/burst", "is above `per_week`, which binds first"
    for name in ("days", "days_ai_found"):
        if name in embargo and embargo[name] > embargo.get("days_max", embargo[name]):
            yield Grade.ERROR, f"/embargo/{name}", "is above `days_max`"


def _checked_key(key: str) -> Iterator[tuple[Grade, str, str]]:
    import pysequoia  # here: reading a charter without a key must not pay for it

    if "PRIVATE KEY" in key:
        yield Grade.ERROR, "/keys/openpgp", "is a secret key: it is known to others now, revoke it; publish the public one"
        return
    try:
        cert = pysequoia.Cert.from_bytes(key.encode())
    except Exception:  # the library raises its own and others', one for each way to be broken
        yield Grade.ERROR, "/keys/openpgp", "is no ASCII-armoured OpenPGP public key; `gpg --armor --export ADDRESS` prints one"
        return
    if cert.is_revoked:
        yield Grade.ERROR, "/keys/openpgp", "is revoked"


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _texts(entry, f"{place}/{name}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _texts(entry, f"{place}/{number}")


def _build(known: Mapping[str, Any]) -> Charter:
    def part(name: str) -> dict[str, Any]:
        found: dict[str, Any] = known.get(name, {})
        return found

    project, reports, ai, scope, capacity, embargo = (part(name) for name in ("project", "reports", "ai", "scope", "capacity", "embargo"))
    policy, opt_out, credit = part("policy"), part("opt_out"), part("credit")
    return Charter(
        clean_line(project["name"], 200), tuple(parse_purl(purl)[0] for purl in project.get("packages", [])),
        tuple(project.get("repositories", [])), tuple(project.get("languages", [])), _instant(project.get("valid_until")),
        tuple(project.get("claims", [])), policy.get("url", ""), policy.get("acknowledge", False),
        tuple(Contact(Channel(entry["channel"]), entry.get("address", "")) for entry in known.get("contact", [])),
        Take(reports.get("take", "confirmed")), Band(reports.get("severity_floor", "none")),
        tuple(Want(name) for name in reports.get("required", [])), tuple(reports.get("reproducer_languages", [])),
        tuple(reports.get("reproducer_forms", [])), ai.get("finds", "private") == "public", Take(ai.get("take", "confirmed")),
        ai.get("accountable_human", True), scope.get("threat_model_url", ""), scope.get("threat_model", ""),
        tuple(
            Exclusion(entry["id"], entry["words"], tuple(entry.get("weaknesses", [])), tuple(entry.get("paths", [])))
            for entry in scope.get("not_a_vulnerability", [])
        ),
        scope.get("own_scanning", ""), capacity.get("per_week"), capacity.get("burst"), capacity.get("open_max"),
        EmbargoTerms(embargo.get("days"), embargo.get("days_ai_found"), embargo.get("days_max"), embargo.get("details_later_days", 0)),
        OptOut(opt_out.get("contact", False), opt_out.get("scanning", False), _instant(opt_out.get("until")), opt_out.get("reason", "")),
        part("keys").get("openpgp", ""), tuple(dict.fromkeys(part("obligations").get("regimes", []))), credit.get("finders", True), credit.get("tools", True), credit.get("words", ""),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)
