"""SARIF 2.1.0: one finding a result.

Tools in the field fill little of it: hardly any gives repository and commit (they come from the
submission's cover), paths may be absolute, fingerprints may be constants. A result that breaks the
schema is read with a warning; it never sinks the others.

Source: OASIS SARIF 2.1.0, errata 01.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from clearinghouse.core.places import content_id, git_blob
from clearinghouse.core.weakness import find_weaknesses, parse_weakness
from clearinghouse.disclosure.intake.records import (
    CodeLocation,
    Finding,
    IdentifierRole,
    Note,
    Producer,
    Reference,
    ReferenceKind,
    SeverityClaim,
)
from clearinghouse.disclosure.intake.sources._reading import (
    find_identifiers,
    keep_rest,
    read_identifier,
    read_instant,
    read_reference,
    score_of,
)
from clearinghouse.disclosure.intake.sources._schema import check_definition, check_schema
from clearinghouse.disclosure.intake.sources.base import (
    Document,
    Item,
    NotAReport,
    Unreadable,
    dict_of,
    list_of,
    pointer,
    refuse,
    text_of,
)

_SCHEMA = "sarif-schema-2.1.0.json"
_FINGERPRINT_DENIED = frozenset({"requires login", ""})
_DRIVE = re.compile(r"^/?[A-Za-z]:/")
_URL = re.compile(r"https?://[^\s)\]>\"']{4,500}")
_FIRST_SENTENCE = re.compile(r"(?<=[.!?])\s|\n")
_PLACEHOLDER = re.compile(r"\{(\d{1,3})\}")
# Roots under which build machines check code out; what follows the checkout folder is the path.
_ROOTS = re.compile(r"^/?(?:home|Users|root|tmp|var|opt|srv|mnt|builds?|workspace|github/workspace|src|app)/")
_STACK_FRAMES_MAX = 64
_ARTIFACTS_SEARCHED_MAX = 2_000
_BASES_MAX = 10
_ROOTS_MAX = 64
# Fields read below; whatever else a result holds is kept as text.
_READ = frozenset({
    "ruleId", "ruleIndex", "rule", "message", "locations", "codeFlows", "relatedLocations", "stacks", "fingerprints",
    "partialFingerprints", "taxa", "level", "rank", "suppressions", "baselineState", "workItemUris", "hostedViewerUri",
})


class Sarif:
    """The reader; `SOURCE` is its one object."""

    name = "sarif"
    title = "SARIF 2.1.0"
    version = "1"

    def sniff(self, document: Document) -> float:
        value = document.json
        if not isinstance(value, dict) or "runs" not in value:
            return 0.0
        return 0.98 if str(value.get("version", "")).startswith("2.") or "sarif" in text_of(value.get("$schema")) else 0.3

    def parse(self, document: Document) -> Iterator[Item]:
        log = document.json
        if not isinstance(log, dict):
            raise document.json_error or Unreadable("a SARIF log is a JSON object", "", "sarif.log")
        version = str(log.get("version", ""))
        if version != "2.1.0":
            raise Unreadable(f"SARIF version {version[:20]!r}; 2.1.0 is read: convert the file", "/version", "sarif.version")
        stated = log.get("runs")
        if stated is not None and not isinstance(stated, list):
            raise Unreadable("`runs` is a list of runs (SARIF 3.13.4)", "/runs", "sarif.runs")
        runs = list_of(stated)  # `null` is legal: the tool failed before it had anything to say.
        for number, run in enumerate(runs):
            yield from _Run(dict_of(run), pointer("runs", number)).items()
        if not any(list_of(dict_of(run).get("results")) for run in runs):
            for note in check_schema(_SCHEMA, log):
                raise Unreadable(f"a log without results that breaks the schema: {note.message}", note.place, "sarif.no_results")
            raise NotAReport(f"not a report: a SARIF log without results ({_why_none(runs)}); use a log of a run that found something")


class _Run:
    """One run: what its results refer to, and the results."""

    def __init__(self, run: dict[str, Any], place: str) -> None:
        self._run, self._place = run, place
        tool = dict_of(run.get("tool"))
        self._driver = dict_of(tool.get("driver"))
        self._extensions = [dict_of(extension) for extension in list_of(tool.get("extensions"))]
        self._artifacts = [dict_of(artifact) for artifact in list_of(run.get("artifacts"))]
        self._bases = {name: dict_of(base) for name, base in dict_of(run.get("originalUriBaseIds")).items()}
        absolute = [uri for base in self._bases.values() if _absolute(uri := text_of(base.get("uri")))]
        # The longest first: one root may lie inside another. Real logs name a handful.
        self._roots = sorted(map(_plain, absolute[:_ROOTS_MAX]), key=len, reverse=True)
        self._rules = {
            text_of(rule.get("id")): rule for component in (*self._extensions, self._driver)
            for rule in map(dict_of, list_of(component.get("rules")))
        }
        control = dict_of(next(iter(list_of(run.get("versionControlProvenance"))), None))
        self._repository, self._commit = text_of(control.get("repositoryUri")), text_of(control.get("revisionId"))
        invocations = [dict_of(invocation) for invocation in list_of(run.get("invocations"))]
        self._ended = next((invocation.get("endTimeUtc") for invocation in invocations if invocation.get("endTimeUtc")), None)
        self._alone = len(list_of(run.get("results"))) == 1
        self._silent = _silent_fingerprints([dict_of(result) for result in list_of(run.get("results"))])

    def items(self) -> Iterator[Item]:
        # What breaks the schema outside the results is said once, with the first of them.
        around = check_definition(_SCHEMA, "run", {**self._run, "results": []}, self._place)
        if dict_of(self._run.get("externalPropertyFileReferences")).get("results"):
            where = f"{self._place}/externalPropertyFileReferences/results"
            around = (*around, Note(where, "results kept in other files are not read; send them inline", "sarif.external"))
        for number, result in enumerate(list_of(self._run.get("results"))):
            place = self._place + pointer("results", number)
            if isinstance(result, dict):
                item = self._item(result, place)
                yield Item(item.place, item.finding, (*around, *item.notes))
                around = ()
            else:
                yield refuse(place, f"a result is an object; found {type(result).__name__} (SARIF 3.27)", "item.schema")

    def _item(self, result: dict[str, Any], place: str) -> Item:
        notes = list(check_definition(_SCHEMA, "result", result, place))
        rule = self._rule(result)
        rule_id = text_of(result.get("ruleId")) or text_of(dict_of(result.get("rule")).get("id")) or text_of(rule.get("id"))
        message = self._message(dict_of(result.get("message")), rule)
        locations = [self._location(dict_of(entry)) for entry in list_of(result.get("locations"))]
        target = text_of(dict_of(result.get("webRequest")).get("target"))
        if target:
            locations.append(CodeLocation(url=target))
        flow = self._flow(result)
        related = [self._location(dict_of(entry)) for entry in list_of(result.get("relatedLocations"))]
        stated = tuple(
            (name, _fingerprint(value)) for group in ("fingerprints", "partialFingerprints")
            for name, value in dict_of(result.get(group)).items() if _fingerprint(value)
        )
        silent = [(name, value) for name, value in stated if name in self._silent or value in _FINGERPRINT_DENIED]
        fingerprints = tuple(pair for pair in stated if pair not in silent)
        for name, value in silent:
            if self._alone and value not in _FINGERPRINT_DENIED:
                continue  # nothing the sender did wrong
            message_ = f"fingerprint {name!r} hardly varies between the results of the run; it says nothing and is not compared"
            notes.append(Note(place, message_, "fingerprint.constant"))
        short = text_of(dict_of(rule.get("shortDescription")).get("text"))
        help_ = text_of(dict_of(rule.get("fullDescription")).get("text"))
        # Tools that have nothing to say put the rule's id there as well; what the result says tells more.
        title = (short if short != rule_id else "") or _FIRST_SENTENCE.split(message.strip(), maxsplit=1)[0][:200] or rule_id
        description = "\n\n".join(dict.fromkeys(part for part in (message, help_) if part and part != title))
        taxa = [text_of(dict_of(taxon).get("id")) for taxon in list_of(result.get("taxa"))]
        extra = keep_rest(result, _READ)
        extra += [(f"fingerprint {name}", value) for name, value in silent]
        if dict_of(self._run.get("automationDetails")).get("id"):
            extra.append(("automation", text_of(dict_of(self._run["automationDetails"]).get("id"))))
        return Item(place, Finding(
            title=title, description=description or message, language=text_of(self._run.get("language")),
            # Scanners of dependencies name their rules after what they found.
            identifiers=tuple(read_identifier(name, IdentifierRole.ALIAS) for name in find_identifiers(rule_id)),
            weaknesses=_weaknesses(rule, taxa, result), severities=tuple(_severities(result, rule)),
            locations=tuple(dict.fromkeys(location for location in (*locations, *flow, *related) if location != CodeLocation())),
            references=self._references(rule, message, result),
            producer=Producer(
                tool=text_of(self._driver.get("name")),
                tool_version=text_of(self._driver.get("semanticVersion")) or text_of(self._driver.get("version")),
                rule=rule_id, fingerprints=fingerprints,
            ),
            remediation="\n".join(
                text_of(dict_of(dict_of(fix).get("description")).get("text")) for fix in list_of(result.get("fixes"))
            ).strip(),
            repository=self._repository, commit=self._commit, state=_state(result),
            published_at=read_instant(self._ended, f"{self._place}/invocations", notes), place=place, extra=tuple(extra),
            blobs=self._blobs(result),
        ), tuple(notes))

    def _rule(self, result: Mapping[str, Any]) -> dict[str, Any]:
        reference = dict_of(result.get("rule"))
        component = dict_of(reference.get("toolComponent")).get("index")
        inside = isinstance(component, int) and 0 <= component < len(self._extensions)
        rules = list_of((self._extensions[component] if inside and component is not None else self._driver).get("rules"))
        index = reference.get("index", result.get("ruleIndex"))
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(rules):
            return dict_of(rules[index])
        named = text_of(result.get("ruleId")) or text_of(reference.get("id"))
        # A hierarchical id such as CA1000/1 names the rule CA1000 (SARIF 3.27.5).
        return self._rules.get(named) or self._rules.get(named.rpartition("/")[0]) or {}

    def _message(self, message: dict[str, Any], rule: dict[str, Any]) -> str:
        text = text_of(message.get("text")) or text_of(message.get("markdown"))
        if not text and (name := text_of(message.get("id"))):
            texts = {**dict_of(self._driver.get("globalMessageStrings")), **dict_of(rule.get("messageStrings"))}
            text = text_of(dict_of(texts.get(name)).get("text"))
        arguments = [str(argument) for argument in list_of(message.get("arguments"))]
        if arguments:
            text = _PLACEHOLDER.sub(
                lambda found: arguments[int(found[1])] if int(found[1]) < len(arguments) else found[0], text
            )
        return text

    def _location(self, location: dict[str, Any]) -> CodeLocation:
        physical = dict_of(location.get("physicalLocation"))
        region = dict_of(physical.get("region"))
        logical = dict_of(next(iter(list_of(location.get("logicalLocations"))), None))
        if not logical:
            logical = dict_of(location.get("logicalLocation"))
        snippet = dict_of(region.get("snippet")) or dict_of(dict_of(physical.get("contextRegion")).get("snippet"))
        path, url = self._path(dict_of(physical.get("artifactLocation")))
        return CodeLocation(
            path, _line(region.get("startLine")), _line(region.get("endLine")),
            text_of(logical.get("fullyQualifiedName")) or text_of(logical.get("name")), "", url, text_of(snippet.get("text")),
        )

    def _path(self, artifact: dict[str, Any]) -> tuple[str, str]:
        index = artifact.get("index")
        if not text_of(artifact.get("uri")) and isinstance(index, int) and 0 <= index < len(self._artifacts):
            artifact = dict_of(self._artifacts[index].get("location"))
        uri = text_of(artifact.get("uri"))
        if uri.startswith(("http://", "https://")):
            return "", uri
        below, root = self._root(text_of(artifact.get("uriBaseId")))
        return _relative(uri if _absolute(uri) else below + uri, (_plain(root), *self._roots)), ""

    def _blobs(self, result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """Digests of the contents of the files that the result's locations name, as far as the run's artifacts tell."""
        found: dict[tuple[str, str], None] = {}
        for location in map(dict_of, list_of(result.get("locations"))):
            named = dict_of(dict_of(location.get("physicalLocation")).get("artifactLocation"))
            index = named.get("index")
            if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(self._artifacts):
                index = next((at for at, known in enumerate(self._artifacts[:_ARTIFACTS_SEARCHED_MAX])
                              if text_of(dict_of(known.get("location")).get("uri")) == text_of(named.get("uri"))), None)
            if index is None or (not text_of(named.get("uri")) and not self._path(named)[0]):
                continue
            artifact = self._artifacts[index]
            text = text_of(dict_of(artifact.get("contents")).get("text"))
            known = [content_id(f"{name}:{text_of(value)}") for name, value in dict_of(artifact.get("hashes")).items()]
            path = self._path(named)[0]
            found |= {(path, value): None for value in (git_blob(text.encode("utf-8", "replace")) if text else "", *known) if path and value}
        return tuple(found)

    def _root(self, name: str) -> tuple[str, str]:
        """What a base id adds below the outermost root, and that root (SARIF 3.14.14); bounded, as ids may go in circles."""
        below = ""
        for _ in range(_BASES_MAX):
            uri = text_of(self._bases.get(name, {}).get("uri"))
            if not uri or _absolute(uri):
                return below, uri
            below = uri.rstrip("/") + "/" + below
            name = text_of(self._bases[name].get("uriBaseId"))
        return below, ""

    def _flow(self, result: Mapping[str, Any]) -> list[CodeLocation]:
        """Source and sink of each flow: the ends say what is reached from where, the steps between are many."""
        ends: list[CodeLocation] = []
        for flow in map(dict_of, list_of(result.get("codeFlows"))):
            for thread in map(dict_of, list_of(flow.get("threadFlows"))):
                steps = [dict_of(dict_of(step).get("location")) for step in list_of(thread.get("locations"))]
                ends += [self._location(step) for step in (steps[:1] + steps[-1:])]
        for stack in map(dict_of, list_of(result.get("stacks"))):
            ends += [self._location(dict_of(dict_of(f).get("location"))) for f in list_of(stack.get("frames"))[:_STACK_FRAMES_MAX]]
        return ends

    def _references(self, rule: dict[str, Any], message: str, result: Mapping[str, Any]) -> tuple[Reference, ...]:
        issues = [text_of(url) for url in list_of(result.get("workItemUris"))]
        urls = [text_of(rule.get("helpUri")), text_of(result.get("hostedViewerUri")), *_URL.findall(message[:20_000])]
        found = [read_reference(url, ReferenceKind.ISSUE) for url in issues] + [read_reference(url) for url in urls]
        return tuple(dict.fromkeys(reference for reference in found if reference.url.startswith(("http://", "https://"))))


def _plain(uri: str) -> str:
    """A URI as a path, its scheme and escapes gone."""
    try:
        return unquote(urlsplit(uri).path) if uri.startswith("file:") else unquote(uri)
    except ValueError:  # a bracket where a host would stand
        return unquote(uri.removeprefix("file:"))


def _relative(uri: str, roots: tuple[str, ...]) -> str:
    """A URI as a path below the repository root: schemes, known bases and build folders are cut."""
    path = _plain(uri)
    for root in roots:
        if root.strip("/") and path.startswith(root):
            path = path[len(root) :]
            break
    path = path.replace("\\", "/")
    if _DRIVE.match(path):
        path = _DRIVE.sub("", path)
    elif path.startswith("/") and (found := _ROOTS.match(path)):
        # Two more folders are the user or job and the checkout, where there are that many.
        rest = path[found.end() :].split("/")
        path = "/".join(rest[2:] if len(rest) > 3 else rest[-2:])
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)


def _absolute(uri: str) -> bool:
    return uri.startswith(("file:", "/", "http:", "https:")) or _DRIVE.match(uri) is not None


def _fingerprint(untrusted: Any) -> str:
    """A fingerprint as text; some tools wrap it into an object."""
    return text_of(untrusted) or text_of(dict_of(untrusted).get("value"))


def _why_none(runs: list[Any]) -> str:
    """What a log without results says about the run."""
    for run in map(dict_of, runs):
        for invocation in map(dict_of, list_of(run.get("invocations"))):
            if invocation.get("executionSuccessful") is False:
                return "the tool says that it failed"
    return "the tool found nothing" if runs else "no run"


def _silent_fingerprints(results: list[dict[str, Any]]) -> frozenset[str]:
    """Names of fingerprints that do not tell the results of a run apart.

    One value for all results tells nothing, nor do fewer than half as many values as places. Of a run with one
    result nobody can say.
    """
    values: dict[str, set[str]] = {}
    places: dict[str, set[str]] = {}
    bearers: Counter[str] = Counter()
    for result in results:
        where = json.dumps([result.get("ruleId"), result.get("locations")], sort_keys=True, default=str)
        for group in ("fingerprints", "partialFingerprints"):
            for name, value in dict_of(result.get(group)).items():
                values.setdefault(name, set()).add(_fingerprint(value))
                places.setdefault(name, set()).add(where)
                bearers[name] += 1
    return frozenset(
        name for name, found in values.items()
        if (len(found) == 1 and bearers[name] >= len(results)) or (len(places[name]) > 1 and len(found) * 2 <= len(places[name]))
    )


def _weaknesses(rule: dict[str, Any], taxa: list[str], result: Mapping[str, Any]) -> tuple[str, ...]:
    found: list[str] = []
    for properties in (dict_of(rule.get("properties")), dict_of(result.get("properties"))):
        for name in ("tags", "cwe", "CWE"):
            values = properties.get(name)
            for value in [values] if isinstance(values, str) else list_of(values):
                found += find_weaknesses(text_of(value))
    for relation in map(dict_of, list_of(rule.get("relationships"))):
        target = dict_of(relation.get("target"))
        if text_of(dict_of(target.get("toolComponent")).get("name")).upper() == "CWE":
            found += filter(None, [parse_weakness(target.get("id"))])
        else:
            found += find_weaknesses(text_of(target.get("id")))
    found += [weakness for taxon in taxa for weakness in find_weaknesses(taxon)]
    found += find_weaknesses(text_of(rule.get("name")) + " " + text_of(rule.get("id")))
    return tuple(dict.fromkeys(found))


def _severities(result: Mapping[str, Any], rule: dict[str, Any]) -> Iterator[SeverityClaim]:
    level = text_of(result.get("level")) or text_of(dict_of(rule.get("defaultConfiguration")).get("level"))
    if level:
        yield SeverityClaim("sarif level", label=level)
    score = dict_of(rule.get("properties")).get("security-severity", dict_of(result.get("properties")).get("security-severity"))
    number = score_of(score)
    if number is not None and 0 <= number <= 10:
        yield SeverityClaim("security-severity", score=number)
    rank = score_of(result.get("rank"))
    if rank is not None and 0 <= rank <= 100:
        yield SeverityClaim("sarif rank", score=rank)


def _state(result: Mapping[str, Any]) -> str:
    suppressions = [dict_of(entry) for entry in list_of(result.get("suppressions"))]
    if any(text_of(entry.get("status")) in ("", "accepted") for entry in suppressions):
        return "suppressed"
    baseline, kind = text_of(result.get("baselineState")), text_of(result.get("kind"))
    if kind not in ("", "fail"):
        return kind  # `pass`, `notApplicable` and the like claim no flaw
    return baseline or ("suppression " + text_of(suppressions[0].get("status")) if suppressions else "")


def _line(untrusted: Any) -> int | None:
    return untrusted if isinstance(untrusted, int) and not isinstance(untrusted, bool) and 0 < untrusted < 2**31 else None


SOURCE = Sarif()
