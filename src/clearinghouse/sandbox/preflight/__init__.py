"""Attacks on this machine's own sandbox, small and harmless, to see which walls stand.

Each is a program of a few lines that tries what a hostile payload would, run through the sandbox as anything is. One file
holds those of one sort; their numbers are those of the table in `docs/reference/sandbox.md`.

Does not belong here: how a wall is built (the kinds of sandbox).
"""

from clearinghouse.sandbox.preflight.base import Answer, Attack, Finding, attempt, demand, examine
from clearinghouse.sandbox.preflight.exhausting import EXHAUSTING
from clearinghouse.sandbox.preflight.reaching import REACHING
from clearinghouse.sandbox.preflight.tricking import TRICKING

ATTACKS: tuple[Attack, ...] = tuple(sorted((*REACHING, *EXHAUSTING, *TRICKING), key=lambda attack: attack.number))

__all__ = ["ATTACKS", "Answer", "Attack", "Finding", "attempt", "demand", "examine"]
