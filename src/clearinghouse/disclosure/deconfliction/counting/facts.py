"""What of a finding bears on counting: numbers, places, fixes, content, products. Plain values, for whoever may read the report."""

from dataclasses import dataclass, field

from clearinghouse.core.diffs import patch_id
from clearinghouse.core.places import content_id, file_tails
from clearinghouse.core.stacks import Stack, crash_kind
from clearinghouse.disclosure.deconfliction.locus import family_of, functions_of, last_name
from clearinghouse.disclosure.deconfliction.tokens import squash
from clearinghouse.disclosure.deconfliction.traces import Sort, changes_of, links_of, stack_of
from clearinghouse.disclosure.intake.records import Finding, IdentifierRole, ReferenceKind

_LIST_MAX = 40


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one report."""

    report: str
    """Its id."""
    numbers: frozenset[str] = frozenset()
    """CVE ids it bears."""
    products: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    """Functions it points at."""
    places: frozenset[tuple[tuple[str, ...], str]] = frozenset()
    """(tails of the path, function)."""
    contents: frozenset[str] = frozenset()
    """Functions or lines within files of known content."""
    family: int = 0
    weaknesses: frozenset[str] = frozenset()
    patch: str = ""
    hunks: frozenset[str] = frozenset()
    touched: frozenset[tuple[str, str]] = frozenset()
    """(file, function) that its patches change."""
    commits: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    """Versions with the fix."""
    stack: Stack = field(default_factory=lambda: Stack(()))
    crash: str = ""
    follows: frozenset[str] = frozenset()
    """CVE ids whose fix it says left this open."""
    chained: frozenset[str] = frozenset()

    def speaks(self) -> bool:
        """Whether anything in here could be compared with another report."""
        return bool(self.numbers or self.functions or self.places or self.contents or self.hunks or self.stack.frames or self.follows)


def facts_of(report: str, finding: Finding) -> Facts:
    """The facts of one report."""
    changes = [change for change in changes_of(finding) if change.code]
    contents = {path: known for path, value in finding.blobs if (known := content_id(value))}
    pointed = [(place, last_name(place.symbol)) for place in finding.locations[:_LIST_MAX]]
    stack, links = stack_of(finding), links_of(finding)
    own = {one.value.upper() for one in finding.identifiers if one.role is not IdentifierRole.RELATED}
    within = {f"{contents[place.path]} {name}" for place, name in pointed if name and place.path in contents}
    within |= {f"{contents[place.path]} line {place.line_start}" for place, _ in pointed if place.path in contents and place.line_start}
    names = [package.name for package in finding.packages] + [
        part.package.name for part in finding.ranges if part.package is not None] + list(finding.products)
    return Facts(
        report, frozenset(value for value in own if value.startswith("CVE-")),
        frozenset(squash(name.replace(":", "/").rsplit("/", 1)[-1]) for name in names[:_LIST_MAX] if name) - {""},
        frozenset(functions_of(finding)), frozenset((file_tails(place.path), name) for place, name in pointed if name and place.path),
        frozenset(within), family_of(finding), frozenset(finding.weaknesses), patch_id(changes),
        frozenset(hunk.id for change in changes for hunk in change.hunks if hunk.id),
        frozenset((file_tails(change.path)[0], last_name(hunk.function)) for change in changes for hunk in change.hunks if hunk.function and file_tails(change.path)),
        frozenset(
            reference.url.rstrip("/").rsplit("/", 1)[-1][:12] for reference in finding.references if reference.kind is ReferenceKind.COMMIT
        ),
        frozenset(version for part in finding.ranges for version in part.fixed),
        stack, crash_kind(finding.crash.kind) if finding.crash is not None else "",
        frozenset(value for value, sort in links.items() if sort is Sort.REGRESSION),
        frozenset(value for value, sort in links.items() if sort is Sort.CHAIN),
    )
