"""What intake decides: what of a finding is kept and how it is bounded, what is asked back, what is the same."""

import dataclasses
import hashlib
import re
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.core.untrusted import clean_text
from clearinghouse.disclosure.intake.records import Cover, Finding, Note, Outcome, Producer

_ENCODER = msgspec.json.Encoder(order="deterministic")
_LOCUS_IN_PROSE = re.compile(
    r"[A-Za-z_]\w{2,80}\(|"  # a call: parse_header(
    r"\b[\w.-]{1,80}/[\w./-]{0,200}\.[A-Za-z]{1,5}\b|"  # a path with an extension
    r"\b[\w-]{2,80}\.(?:c|cc|cpp|h|go|rs|py|js|ts|java|php|rb|pl|cs|swift|kt)\b|"
    r"\b(?:before|prior to|through|up to|version|versions|<=?)\s*v?\d+(?:\.\d+)+|"
    r"\b(?:parameter|argument|header|field|endpoint|option)\b",
    re.IGNORECASE,
)
_NO_BLOBS = b',"blobs":[]}'
_KEY_CHARACTERS_MAX = 72  # width of the column
_OF_THE_MOMENT = frozenset({"limit.seconds", "limit.memory", "limit.size", "reader.failed", "source.unknown"})
_PROSE_SCANNED = 20_000  # enough to find a locus; keeps the scan short whatever the limit on text is


def clean_finding(untrusted_finding: Finding, limits: IntakeLimits) -> tuple[Finding, tuple[Note, ...]]:
    """The finding with every text cleaned and bounded and every list cut, and notes that say what was cut.

    The original bytes keep what is cut here.
    """
    cuts: list[str] = []
    cleaned = _clean(untrusted_finding, limits, "", cuts)
    notes = tuple(
        Note(untrusted_finding.place, f"{name} was cut to the limit of this instance; the original keeps the rest", "limit.cut")
        for name in dict.fromkeys(cuts)
    )
    return cleaned, notes


def cover_finding(finding: Finding, cover: Cover) -> Finding:
    """The finding with what its submission's cover says where the finding itself says nothing."""
    if cover == Cover():
        return finding
    producer = Producer(**{
        field.name: getattr(finding.producer, field.name)
        if getattr(finding.producer, field.name) != field.default
        else getattr(cover.producer, field.name)
        for field in dataclasses.fields(Producer)
    })
    consents = dataclasses.replace(finding.consents, **{
        field.name: getattr(cover.consents, field.name)
        for field in dataclasses.fields(cover.consents)
        if getattr(finding.consents, field.name) is None
    })
    return dataclasses.replace(
        finding, producer=producer, consents=consents,
        repository=finding.repository or cover.repository, commit=finding.commit or cover.commit,
        proposed_disclosure_at=finding.proposed_disclosure_at or cover.proposed_disclosure_at,
    )


def ask_for_locus(finding: Finding) -> Note | None:
    """What to ask the sender of a finding that names no function, file, parameter or version; None where it names one.

    Without a place in the code nobody can say whether two reports are one flaw.
    """
    if finding.symbols or any(place.path or place.symbol or place.parameter or place.url for place in finding.locations):
        return None
    if finding.crash is not None and finding.crash.frames:
        return None
    if any(r.introduced or r.fixed or r.last_affected or r.versions for r in finding.ranges):
        return None
    if any(_LOCUS_IN_PROSE.search(text[:_PROSE_SCANNED]) for text in (finding.title, finding.description, finding.reproduction)):
        return None
    message = "no function, file, parameter or version is named; send one, or this can hardly be told from other reports"
    return Note(finding.place, message, "locus.missing")


def check_content(finding: Finding) -> Note | None:
    """The reason a finding cannot be taken at all; None where it can: something must say what is wrong."""
    said = finding.title.strip() or finding.description.strip() or finding.crash or finding.statuses or finding.reproduction.strip()
    if said or finding.identifiers or finding.locations:
        return None
    return Note(finding.place, "nothing says what is wrong: send a title, a description, a crash or an identifier", "item.empty")


def outcome_of(finding: Finding | None, notes: Sequence[Note]) -> Outcome:
    """The outcome of an item with these notes."""
    if finding is None:
        return Outcome.REFUSED
    return Outcome.ACCEPTED_WITH_WARNINGS if notes else Outcome.ACCEPTED


def bound_key(idempotency_key: str) -> str:
    """The key as it is kept: itself where short and plain, else its digest."""
    if len(idempotency_key) <= _KEY_CHARACTERS_MAX and idempotency_key.isprintable():
        return idempotency_key
    return "sha256:" + hashlib.sha256(idempotency_key.encode("utf-8", "surrogatepass")).hexdigest()


class ReadBefore(Protocol):
    """What is known of an earlier reading."""

    @property
    def finished(self) -> bool: ...
    @property
    def items_done(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def notes(self) -> tuple[Note, ...]: ...


def worth_another_reading(earlier: ReadBefore, source: str) -> bool:
    """Whether bytes that nothing was read of before may fare better now: another source is named, or the trouble was of the moment."""
    if not earlier.finished or earlier.items_done or not earlier.notes:
        return False
    return bool(source and source != earlier.source) or earlier.notes[-1].code in _OF_THE_MOMENT


def digest_finding(finding: Finding) -> str:
    """`sha256:HEX` of what a finding claims: the same claim at another place of another file has the same digest."""
    claimed = _ENCODER.encode(dataclasses.replace(finding, place=""))
    # A field that came later is left out where it is empty: the same claim keeps the digest it had before.
    if claimed.endswith(_NO_BLOBS):
        claimed = claimed[: -len(_NO_BLOBS)] + b"}"
    return "sha256:" + hashlib.sha256(claimed).hexdigest()


def _clean(value: Any, limits: IntakeLimits, name: str, cuts: list[str]) -> Any:
    """One value of a finding, whatever its type; findings nest three levels deep and never refer to themselves."""
    if type(value) is str:
        if not value:
            return value
        if len(value) > limits.text_characters_max:
            cuts.append(name)
        return clean_text(value, limits.text_characters_max)
    if type(value) is tuple:
        if not value:
            return value
        if len(value) > limits.list_entries_max:
            cuts.append(name)
        return tuple(_clean(entry, limits, name, cuts) for entry in value[: limits.list_entries_max])
    names = _FIELDS.get(type(value))
    if names is None:
        names = _FIELDS[type(value)] = (
            tuple(field.name for field in dataclasses.fields(value)) if dataclasses.is_dataclass(value) else ()
        )
    if not names:
        return value
    return type(value)(*[_clean(getattr(value, field), limits, name or field, cuts) for field in names])


_FIELDS: dict[type, tuple[str, ...]] = {}
