"""Which report leads: a person's word, else what it holds, else which came first.

The order, each deciding only where all before it are equal:

1. a person named it, and it is still beside one of the reports it was named over; the newest word counts
2. its reproducer is confirmed by somebody other than its finder
3. it has a reproducer: steps, or a crash
4. it proposes a change to the code
5. it names a place in the code, or shows a stack
6. it names affected versions
7. it says more, in steps of text: few words, some, many (beyond that length is no merit)
8. it was received first

Public records and what was withdrawn lead nothing. The outcome is a function of the set of reports and words, and not of their order.
"""

from collections.abc import Iterable, Sequence

from clearinghouse.disclosure.deconfliction.leads.records import Lead, Member, Naming, Strength
from clearinghouse.disclosure.intake.contents import has_locus, has_patch, has_reproducer, has_versions
from clearinghouse.disclosure.intake.records import Finding

# From the weightiest down: a bit outweighs all below it.
_BITS = ((Strength.REPRODUCER, 1 << 5), (Strength.PATCH, 1 << 4), (Strength.PLACE, 1 << 3), (Strength.VERSIONS, 1 << 2), (Strength.TEXT, 0b11))
_TEXT_STEPS = (15, 60, 150)
"""Different words of description and impact from which on the text counts one step more."""
_TEXT_SCANNED = 20_000  # characters: bounds the work on one report


def strength_of(finding: Finding) -> int:
    """What a finding holds, as a number: the greater the better to work from."""
    words = len(set(f"{finding.description} {finding.impact}"[:_TEXT_SCANNED].lower().split()))
    held = {
        Strength.REPRODUCER: has_reproducer(finding), Strength.PATCH: has_patch(finding),
        Strength.PLACE: has_locus(finding) or bool(finding.crash and finding.crash.frames), Strength.VERSIONS: has_versions(finding),
    }
    return sum(bit for name, bit in _BITS if held.get(name)) + sum(words >= least for least in _TEXT_STEPS)


def choose_lead(members: Sequence[Member], namings: Iterable[Naming] = ()) -> Lead | None:
    """The report that leads the members of one flaw; None where none of them may."""
    standing = {member.number: member for member in members if member.eligible}
    if not standing:
        return None
    together = {member.number for member in members}
    named = [one for one in namings if one.number in standing and not one.over.isdisjoint(together - {one.number})]
    if named:
        word = max(named, key=lambda one: (one.at, one.id))
        return Lead(word.number, Strength.NAMED, word.id)
    best = min(standing.values(), key=lambda member: (not member.confirmed, -member.strength, member.number))
    return Lead(best.number, _because(best, standing[min(standing)]))


def _because(best: Member, first: Member) -> Strength:
    """The first thing in the order that the lead has over the first received."""
    if best.number == first.number:
        return Strength.FIRST
    if best.confirmed and not first.confirmed:
        return Strength.CONFIRMED
    return next(name for name, bit in _BITS if best.strength & bit > first.strength & bit)
