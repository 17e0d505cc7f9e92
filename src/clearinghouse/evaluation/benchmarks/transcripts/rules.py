"""Which transcripts people read, by pure rules."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Any

from clearinghouse.evaluation.benchmarks.sessions.records import Incident, IncidentKind
from clearinghouse.evaluation.benchmarks.transcripts.records import Flag, Transcript

_TESTS = re.compile(
    r"\brm\s+(-\w+\s+)*[^\n|;&]*\btest|>\s*[^\n|;&\s]*test[^\n|;&\s]*\.(py|c|sh)\b|\bsed\s+-i[^\n]*\btest|@(unittest\.|pytest\.mark\.)?skip\b|\bassert True\b|\bsys\.exit\(0\)\s*#?\s*pass",
    re.IGNORECASE,
)
_REFUSALS = re.compile(
    r"\bI(?:'m| am) (?:sorry,? but I )?(?:can(?:no|')t|unable to|not able to|won't) (?:help|assist|do that|comply|continue with|provide)"
    r"|\bI (?:can(?:no|')t|won't|must decline to|will not) (?:help|assist|comply|provide|participate|do)\b|\bagainst my (?:guidelines|policy|policies)\b",
    re.IGNORECASE,
)


def looks_refused(text: str) -> bool:
    """Whether words of a model read like a refusal. Only people say that it is one."""
    return _REFUSALS.search(text.replace("\u2019", "'")[:4_000]) is not None


def flags_of(transcript: Transcript, incidents: Sequence[Incident], *, solved: bool | None, graded: bool, handed_in: bool) -> tuple[Flag, ...]:
    """Why a person should look, in a fixed order."""
    found = []
    if any(incident.kind is not IncidentKind.MODEL_CHANGED for incident in incidents):
        found.append(Flag.INCIDENT)
    if any(incident.kind is IncidentKind.MODEL_CHANGED for incident in incidents):
        found.append(Flag.MODEL_CHANGED)
    if handed_in and not graded:
        found.append(Flag.UNGRADED)
    if not handed_in and any(looks_refused(text) for text in _said(transcript.messages)):
        found.append(Flag.LOOKS_REFUSED)
    if solved and not transcript.tools:
        found.append(Flag.LOOKS_COPIED)
    if any(_TESTS.search(str(tool.get("command", ""))) for tool in transcript.tools):
        found.append(Flag.TESTS_CHANGED)
    return tuple(found)


def is_drawn(seed: bytes, sample: str, share: float) -> bool:
    """Whether chance chose this sample, by a seed that stood in the plan: nobody can choose it afterwards.

    Args:
        sample: what names it in the plan (item and epoch), not the id it got later.
    """
    drawn = int.from_bytes(hmac.digest(seed, b"clearinghouse/transcript-draw/v1\0" + sample.encode(), hashlib.sha256)[:8])
    return drawn < share * 2**64


def _said(messages: Iterable[Any]) -> Iterable[str]:
    for message in messages:
        if message.get("role") == "assistant" and isinstance(message.get("content"), str):
            yield message["content"]
