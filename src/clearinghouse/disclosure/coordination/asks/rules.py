"""What asks decide: how often one may ask, the same whether there is a case or not."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.untrusted import clean_text

ASKS_MAX = 2
"""Of one party about one report: once, and once more."""
_CHARACTERS_MAX = 4_000


def check_may_ask(earlier: Sequence[datetime], again_days: int, now: datetime) -> None:
    """Raise Conflict where one has asked lately, or twice.

    What became of an earlier ask plays no part: otherwise the answer would tell whether there is a case (decision 1).
    """
    if len(earlier) >= ASKS_MAX:
        raise Conflict("you asked twice already; whoever handles it knows")
    if earlier and now < max(earlier) + timedelta(days=again_days):
        raise Conflict(f"you asked already; you may ask once more {again_days} days later")


def parse_words(untrusted_words: str) -> str:
    """Why somebody asks, or why it is declined.

    Raises:
        Invalid: nothing is said.
    """
    words = clean_text(untrusted_words, _CHARACTERS_MAX).strip()
    if not words:
        raise Invalid("say why, in a sentence: whoever decides or looks back reads it")
    return words
