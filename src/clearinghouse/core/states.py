"""State machines as tables: what may be done with what, by whom. The documents draw the same tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from clearinghouse.core.errors import Conflict, NotPermitted


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed step of a machine."""

    verb: str
    start: StrEnum
    end: StrEnum
    by: tuple[str, ...]
    """Who may take it."""
    source: str


def may_step(table: Sequence[Transition], verb: str, start: StrEnum) -> bool:
    """Whether a step is in a table."""
    return any(step.verb == verb and step.start == start for step in table)


def step(table: Sequence[Transition], verb: str, start: StrEnum, by: Sequence[str]) -> StrEnum:
    """The state a step leads to.

    Args:
        by: what the actor is here: `participant` for its own state, and its roles in the case.
    Raises:
        Conflict: the table has no such step from this state.
        NotPermitted: it has, but not for the actor.
    """
    found = next((step for step in table if step.verb == verb and step.start == start), None)
    if found is None:
        ways = sorted({step.verb for step in table if step.start == start})
        raise Conflict(f"cannot {verb} what is {start}; from there one can {' or '.join(ways) or 'do nothing more'}")
    if not set(by) & set(found.by):
        raise NotPermitted(f"to {verb} is for the {' or the '.join(found.by)} alone")
    return found.end


def render_table(table: Sequence[Transition]) -> str:
    """A state table as Markdown, for the documents."""
    lines = ["| From | Step | To | Who may | Source |", "|---|---|---|---|---|"]
    lines += [f"| {step.start} | {step.verb} | {step.end} | {', '.join(step.by)} | {step.source} |" for step in table]
    return "\n".join(lines) + "\n"
