"""GitHub's security advisories and alerts: REST objects and lists, webhook payloads, GraphQL pages.

The same advisory comes in two spellings, `ghsa_id` over REST and `ghsaId` over GraphQL; both are
read by the same lines. An alert is one finding: the advisory it names plus where it was found.
"""

import re
from collections.abc import Iterator
from typing import Any

from clearinghouse.core.product import Package, normalise_package
from clearinghouse.core.weakness import find_weaknesses, parse_weakness
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Credit,
    Finding,
    Identifier,
    IdentifierRole,
    Note,
    Producer,
    Reference,
    ReferenceKind,
    SeverityClaim,
    VersionRange,
)
from clearinghouse.disclosure.intake.sources._reading import (
    keep_rest,
    read_cvss,
    read_identifier,
    read_instant,
    read_records,
    read_reference,
    score_of,
)
from clearinghouse.disclosure.intake.sources.base import Document, Item, NotAReport, dict_of, list_of, pointer, refuse, text_of

_ECOSYSTEMS = {
    "PIP": "pypi", "RUST": "crates.io", "COMPOSER": "packagist", "ERLANG": "hex", "ACTIONS": "github actions",
    "RUBYGEMS": "rubygems", "SWIFT": "swift", "PUB": "pub",
}
_BOUND = re.compile(r"^(>=|<=|==|=|<|>)?\s*([^\s<>=].{0,200})$")
_EVENTS = ("security_advisory", "repository_advisory", "alert")
_DEPTH_MAX = 12
_READ = frozenset({
    "ghsa_id", "ghsaId", "cve_id", "cveId", "identifiers", "references", "description", "summary", "severity", "cvss",
    "cvss_severities", "cvssSeverities", "cwes", "cwe_ids", "permalink", "html_url", "published_at", "publishedAt",
    "updated_at", "updatedAt", "withdrawn_at", "withdrawnAt", "vulnerabilities", "credits", "source_code_location", "state",
    "credits_detailed", "author",
})


class Ghsa:
    """The reader; `SOURCE` is its one object."""

    name = "ghsa"
    title = "GitHub security advisories and alerts"
    version = "1"

    def sniff(self, document: Document) -> float:
        value = document.json
        first = value[0] if isinstance(value, list) and value else value
        if not isinstance(first, dict):
            return 0.0
        if _is_advisory(first) or any(_is_advisory(dict_of(first.get(name))) for name in _EVENTS) or _is_alert(first):
            return 0.95
        if _is_alert(dict_of(first.get("alert"))) or _is_code_alert(first) or _is_code_alert(dict_of(first.get("alert"))):
            return 0.95
        return 0.95 if "vulnerabilityAlerts" in document.text and "data" in first else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        found = False
        for place, value in read_records(document):
            if isinstance(value, Note):
                yield Item(place, None, (value,))
                found = True
                continue
            for item in _items(value, place):
                found = True
                yield item
        if not found:
            raise NotAReport("not a report: a page of GitHub alerts that holds none; use a page with alerts, or a single advisory")


def _items(value: Any, place: str) -> Iterator[Item]:
    if not isinstance(value, dict):
        yield refuse(place, f"an advisory or alert is an object; found {type(value).__name__}", "item.schema")
        return
    repository = text_of(dict_of(value.get("repository")).get("html_url"))
    alert = dict_of(value.get("alert"))
    if _is_advisory(value):
        yield _advisory(value, place, repository)
    elif _is_alert(value) or _is_code_alert(value):
        yield _any_alert(value, place, repository, value)
    elif _is_alert(alert) or _is_code_alert(alert):
        yield _any_alert(alert, f"{place}/alert", repository, value)
    elif "data" in value:
        yield from _pages(value, place)
    elif named := next((name for name in _EVENTS if isinstance(value.get(name), dict)), ""):
        if named != "alert" and _is_advisory(value[named]):
            yield _advisory(value[named], f"{place}/{named}", repository)
        else:
            yield refuse(f"{place}/{named}", "neither an advisory (`ghsa_id`) nor an alert (`rule`, `security_advisory`)", "item.schema")
    else:
        yield refuse(place, "neither an advisory (`ghsa_id`), an alert, a webhook payload nor a GraphQL answer (`data`)", "item.schema")


def _any_alert(alert: dict[str, Any], place: str, repository: str, envelope: dict[str, Any]) -> Item:
    return _code_alert(alert, place, repository, envelope) if _is_code_alert(alert) else _alert(alert, place, repository)


def _pages(answer: dict[str, Any], place: str) -> Iterator[Item]:
    """The alerts and advisories of a GraphQL answer, wherever its query put them; depth is bounded."""
    if isinstance(answer.get("errors"), list) and not answer.get("data"):
        first = text_of(dict_of(next(iter(answer["errors"]), None)).get("message"))
        yield refuse(f"{place}/errors", f"the answer is an error: {first[:200]}", "ghsa.error")
        return
    waiting: list[tuple[Any, str, str, int]] = [(answer.get("data"), f"{place}/data", "", 0)]
    more = ""
    items: list[Item] = []
    while waiting:
        value, where, repository, depth = waiting.pop()
        if depth > _DEPTH_MAX:
            continue
        if isinstance(value, list):
            waiting += [(entry, where + pointer(n), repository, depth + 1) for n, entry in reversed(list(enumerate(value)))]
        elif isinstance(value, dict):
            if "vulnerabilityAlerts" in value:
                repository = text_of(value.get("url")) or text_of(value.get("nameWithOwner")) or text_of(value.get("name"))
            if dict_of(value.get("pageInfo")).get("hasNextPage") is True:
                more = f"{where}/pageInfo"
            if "securityVulnerability" in value:
                items.append(_alert(value, where, repository))
            elif _is_advisory(value):
                items.append(_advisory(value, where, repository))
            else:
                waiting += [(entry, where + pointer(name), repository, depth + 1) for name, entry in reversed(list(value.items()))]
    for number, item in enumerate(items):
        if more and number == len(items) - 1:
            note = Note(more, "the answer says that more pages follow; send them as well", "page.incomplete")
            yield Item(item.place, item.finding, (*item.notes, note))
        else:
            yield item


def _advisory(entry: dict[str, Any], place: str, repository: str) -> Item:
    notes: list[Note] = []
    vulnerabilities = [
        (dict_of(vulnerability), where) for vulnerability, where in _nodes(entry.get("vulnerabilities"), f"{place}/vulnerabilities")
    ]
    finding = _finding(entry, place, repository, vulnerabilities, notes)
    return Item(place, Finding(**{**finding, "place": place}), tuple(notes))


def _alert(alert: dict[str, Any], place: str, repository: str) -> Item:
    """A dependency alert, of REST (`security_advisory`) or of GraphQL (`securityVulnerability`)."""
    notes: list[Note] = []
    own = dict_of(alert.get("security_vulnerability") or alert.get("securityVulnerability"))
    inside = "security_advisory" if "security_advisory" in alert else "securityVulnerability/advisory"
    entry = dict_of(alert.get("security_advisory") or own.get("advisory"))
    listed = _nodes(entry.get("vulnerabilities"), f"{place}/{inside}/vulnerabilities")
    vulnerabilities = [(dict_of(vulnerability), where) for vulnerability, where in listed]
    bare = {name: value for name, value in own.items() if name != "advisory"}
    if bare and not any(_range_of(bare) == _range_of(known) for known, _ in vulnerabilities):
        vulnerabilities.insert(0, (bare, f"{place}/securityVulnerability"))
    finding = _finding(entry, f"{place}/{inside}", repository, vulnerabilities, notes)
    if not entry:
        notes.append(Note(place, "the alert names no advisory", "item.schema"))
    dependency = dict_of(alert.get("dependency"))
    manifest = text_of(dependency.get("manifest_path")) or text_of(alert.get("vulnerableManifestPath"))
    severities = finding["severities"]
    if text_of(own.get("severity")) and not any(claim.scheme == "label" for claim in severities):
        severities = (*severities, SeverityClaim("label", label=text_of(own.get("severity")).lower(), by="GitHub"))
    read = {
        "security_advisory", "security_vulnerability", "securityVulnerability", "vulnerableManifestPath", "state", "repository",
        "dismissed_by", "url",
    }
    requirement = text_of(alert.get("vulnerableRequirements"))
    if requirement.lstrip("= ").strip() and requirement.startswith("="):
        finding["ranges"] = (*finding["ranges"], VersionRange(
            next(iter(finding["packages"]), None), versions=(requirement.lstrip("= ").strip(),)
        ))
    dismissed = alert.get("dismissed_at") or alert.get("dismissedAt") or alert.get("dismissReason")
    finding.update(
        severities=severities, locations=(CodeLocation(path=manifest),) if manifest else (), place=place,
        state=text_of(alert.get("state")).lower() or ("dismissed" if dismissed else ""),
        extra=(*finding["extra"], *keep_rest(alert, read, "alert")),
    )
    return Item(place, Finding(**finding), tuple(notes))


def _finding(
    entry: dict[str, Any], place: str, repository: str, vulnerabilities: list[tuple[dict[str, Any], str]], notes: list[Note]
) -> dict[str, Any]:
    """What an advisory says, by the names of `Finding`'s fields."""
    packages: list[Package] = []
    ranges: list[VersionRange] = []
    symbols: list[str] = []
    for vulnerability, where in vulnerabilities:
        package = _package(dict_of(vulnerability.get("package")))
        if package is not None:
            packages.append(package)
        range_ = _versions(package, vulnerability, where, notes)
        if range_ is not None:
            ranges.append(range_)
        functions = vulnerability.get("vulnerable_functions") or vulnerability.get("vulnerableFunctions")
        symbols += [name for name in list_of(functions) if text_of(name)]
    weaknesses = [parse_weakness(dict_of(cwe).get("cwe_id") or dict_of(cwe).get("cweId")) for cwe, _ in _nodes(entry.get("cwes"), "")]
    weaknesses += [parse_weakness(value) for value in list_of(entry.get("cwe_ids"))]
    withdrawn = read_instant(_either(entry, "withdrawn_at"), f"{place}/withdrawn_at", notes)
    people = [(dict_of(c.get("user")) or c, text_of(c.get("type"))) for c in map(dict_of, list_of(entry.get("credits")))]
    located = text_of(entry.get("source_code_location"))
    return {
        "title": text_of(entry.get("summary")), "description": text_of(entry.get("description")),
        "identifiers": _identifiers(entry), "packages": tuple(dict.fromkeys(packages)), "ranges": tuple(dict.fromkeys(ranges)),
        "symbols": tuple(dict.fromkeys(symbols)), "references": _references(entry),
        "weaknesses": tuple(dict.fromkeys(weakness for weakness in weaknesses if weakness)),
        "severities": tuple(_severities(entry, place, notes)),
        "credits": tuple(Credit(text_of(user.get("login")), role) for user, role in people if text_of(user.get("login"))),
        "repository": located or repository, "reporter": text_of(dict_of(entry.get("author")).get("login")),
        "published_at": read_instant(_either(entry, "published_at"), f"{place}/published_at", notes),
        "modified_at": read_instant(_either(entry, "updated_at"), f"{place}/updated_at", notes),
        "withdrawn_at": withdrawn, "state": "withdrawn" if withdrawn else text_of(entry.get("state")).lower(),
        "extra": tuple(keep_rest(entry, _READ)),
    }


def _identifiers(entry: dict[str, Any]) -> tuple[Identifier, ...]:
    own = text_of(_either(entry, "ghsa_id"))
    named = [text_of(dict_of(identifier).get("value")) for identifier, _ in _nodes(entry.get("identifiers"), "")]
    named.append(text_of(_either(entry, "cve_id")))
    if not own:
        own = next((value for value in named if value.upper().startswith("GHSA-")), "")
    found = [read_identifier(own, IdentifierRole.OWN)] if own else []
    found += [read_identifier(value, IdentifierRole.ALIAS) for value in named if value and value != own]
    return tuple(dict.fromkeys(found))


def _package(entry: dict[str, Any]) -> Package | None:
    ecosystem, name = text_of(entry.get("ecosystem")).upper(), text_of(entry.get("name"))
    return normalise_package(_ECOSYSTEMS.get(ecosystem, ecosystem), name) if name else None


def _range_of(vulnerability: dict[str, Any]) -> tuple[str, str]:
    return text_of(dict_of(vulnerability.get("package")).get("name")), text_of(_either(vulnerability, "vulnerable_version_range"))


def _versions(package: Package | None, vulnerability: dict[str, Any], place: str, notes: list[Note]) -> VersionRange | None:
    introduced, fixed, last, other = [], [], [], []
    said = text_of(_either(vulnerability, "vulnerable_version_range"))
    for part in filter(None, (part.strip() for part in said.split(","))):
        bound = _BOUND.match(part)
        if bound is None:
            notes.append(Note(f"{place}/vulnerable_version_range", f"{part[:60]!r} is no version bound such as `< 1.2`", "version.bound"))
            other.append(part)
        elif bound[1] == ">=":
            introduced.append(bound[2])
        elif bound[1] == "<":
            fixed.append(bound[2])
        elif bound[1] == "<=":
            last.append(bound[2])
        else:  # `= 1.2` is that version; `> 1.2` begins after it, which no field can say but the words themselves
            other.append(part if bound[1] == ">" else bound[2])
    patched = _either(vulnerability, "first_patched_version") or vulnerability.get("patched_versions")
    patched = text_of(dict_of(patched).get("identifier")) or text_of(patched)
    fixed += [version for version in (patched.strip().lstrip(">= "),) if version and version not in fixed]
    if not (introduced or fixed or last or other):
        return None
    return VersionRange(package, "ecosystem", tuple(introduced), tuple(fixed), tuple(last), tuple(other))


def _references(entry: dict[str, Any]) -> tuple[Reference, ...]:
    urls = [reference if isinstance(reference, str) else text_of(dict_of(reference).get("url"))
            for reference, _ in _nodes(entry.get("references"), "")]
    own = text_of(entry.get("permalink")) or text_of(entry.get("html_url"))
    found = [read_reference(url) for url in urls if url]
    if own and own not in urls:
        found.append(Reference(own, ReferenceKind.ADVISORY))
    return tuple(dict.fromkeys(found))


def _severities(entry: dict[str, Any], place: str, notes: list[Note]) -> Iterator[SeverityClaim]:
    many = dict_of(_either(entry, "cvss_severities"))
    stated = [(entry.get("cvss"), "cvss"), *((value, f"cvss_severities/{name}") for name, value in many.items())]
    seen: set[str] = set()
    for value, where in stated:
        cvss = dict_of(value)
        vector, published = text_of(_either(cvss, "vector_string")), score_of(cvss.get("score"))
        # Where nobody scored, the service writes 0 beside an empty vector.
        if vector and vector not in seen:
            seen.add(vector)
            yield read_cvss(vector, "GitHub", f"{place}/{where}", notes, published)
        elif not vector and published and not seen:
            yield SeverityClaim("CVSS", score=published, by="GitHub")
    label = text_of(entry.get("severity")).lower()
    if label:
        yield SeverityClaim("label", label=label, by="GitHub")


def _code_alert(alert: dict[str, Any], place: str, repository: str, envelope: dict[str, Any]) -> Item:
    """A code-scanning alert: a rule, a tool, and the places where it holds."""
    notes: list[Note] = []
    rule, tool = dict_of(alert.get("rule")), dict_of(alert.get("tool"))
    instances = [dict_of(instance) for instance in list_of(alert.get("instances"))]
    recent = dict_of(alert.get("most_recent_instance"))
    if recent and recent not in instances:
        instances.insert(0, recent)
    locations = []
    for instance in instances:
        at = dict_of(instance.get("location"))
        locations.append(CodeLocation(text_of(at.get("path")).lstrip("/"), _line(at.get("start_line")), _line(at.get("end_line"))))
    commits = [text_of(instance.get("commit_sha")) for instance in instances] + [text_of(envelope.get("commit_oid"))]
    messages = [text_of(dict_of(instance.get("message")).get("text")) for instance in instances]
    tags = [tag for tag in list_of(rule.get("tags")) if isinstance(tag, str)]
    severities = [
        SeverityClaim(scheme, label=text_of(rule.get(name)), by=text_of(tool.get("name")))
        for scheme, name in (("code scanning", "severity"), ("security-severity", "security_severity_level")) if text_of(rule.get(name))
    ]
    texts = (*messages, text_of(rule.get("full_description")), text_of(rule.get("help")))
    title = text_of(rule.get("description")) or text_of(rule.get("name")) or text_of(rule.get("id"))
    link = text_of(alert.get("html_url"))
    read = {"rule", "tool", "instances", "most_recent_instance", "state", "created_at", "updated_at", "html_url", "repository",
            "dismissed_by", "url"}
    return Item(place, Finding(
        title=title, description="\n\n".join(dict.fromkeys(text for text in texts if text and text != title)),
        weaknesses=find_weaknesses(" ".join(tags)), severities=tuple(severities),
        locations=tuple(dict.fromkeys(location for location in locations if location != CodeLocation())),
        references=(Reference(link, ReferenceKind.REPORT),) if link else (),
        producer=Producer(tool=text_of(tool.get("name")), tool_version=text_of(tool.get("version")), rule=text_of(rule.get("id"))),
        repository=repository, commit=next(filter(None, commits), ""), state=text_of(alert.get("state")).lower(),
        published_at=read_instant(alert.get("created_at"), f"{place}/created_at", notes),
        modified_at=read_instant(alert.get("updated_at"), f"{place}/updated_at", notes),
        place=place, extra=(*keep_rest(alert, read), *(("tag", tag) for tag in tags)),
    ), tuple(notes))


def _nodes(value: Any, place: str) -> Iterator[tuple[Any, str]]:
    """(entry, place) of a REST list or of a GraphQL connection (`nodes`, or `edges` with a `node` each)."""
    if isinstance(value, dict):
        if "edges" in value:
            for number, edge in enumerate(list_of(value.get("edges"))):
                yield dict_of(edge).get("node"), f"{place}/edges/{number}/node"
            return
        value, place = value.get("nodes"), f"{place}/nodes"
    for number, entry in enumerate(list_of(value)):
        yield entry, f"{place}/{number}"


def _either(entry: dict[str, Any], name: str) -> Any:
    """A field by its REST name or, failing that, by its GraphQL name."""
    if name in entry:
        return entry[name]
    first, *others = name.split("_")
    return entry.get(first + "".join(part.capitalize() for part in others))


def _is_advisory(value: dict[str, Any]) -> bool:
    if "ghsa_id" in value or "ghsaId" in value:
        return "security_advisory" not in value
    return "identifiers" in value and "summary" in value and ("vulnerabilities" in value or "permalink" in value)


def _is_alert(value: dict[str, Any]) -> bool:
    return "securityVulnerability" in value or ("security_advisory" in value and ("dependency" in value or "number" in value))


def _is_code_alert(value: dict[str, Any]) -> bool:
    return isinstance(value.get("rule"), dict) and isinstance(value.get("tool"), dict)


def _line(untrusted: Any) -> int | None:
    return untrusted if isinstance(untrusted, int) and not isinstance(untrusted, bool) and 0 < untrusted < 2**31 else None


SOURCE = Ghsa()
