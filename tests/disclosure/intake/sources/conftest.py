"""What the tests of all sources share: generous limits, and reading a document by the name of its source."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from clearinghouse.core.policy import IntakeLimits
from clearinghouse.disclosure.intake.parser import load_sources
from clearinghouse.disclosure.intake.sources.base import Document, Item, Unreadable

LIMITS = IntakeLimits(
    document_bytes_max=20_000_000, bulk_bytes_max=2_000_000_000, line_bytes_max=2_000_000, json_depth_max=100,
    items_max=100_000, text_characters_max=100_000, list_entries_max=5_000, mail_depth_max=20, mail_parts_max=200,
    mail_headers_max=500, inflate_ratio_max=100, parser_seconds_max=30.0, parser_memory_bytes_max=1_500_000_000,
    log_line_bytes_max=2_048, log_bytes_max=262_144,
)
SOURCES = load_sources()


@dataclass(frozen=True)
class Reader:
    """Reads a document with the source of a name: the items it yielded, and why it stopped early if it did."""

    limits: IntakeLimits

    def __call__(self, source: str, data: bytes | str, name: str = "x") -> tuple[list[Item], Unreadable | None]:
        document = Document(name, data.encode() if isinstance(data, str) else data, self.limits)
        items: list[Item] = []
        try:
            for item in SOURCES[source].parse(document):  # What came before an error counts.
                items.append(item)
        except Unreadable as error:
            return items, error
        return items, None

    def sniff(self, data: bytes | str, name: str = "x") -> dict[str, float]:
        """How sure each source is of a document; those that are not at all left out."""
        document = Document(name, data.encode() if isinstance(data, str) else data, self.limits)
        sure = {known: source.sniff(document) for known, source in SOURCES.items()}
        return {known: value for known, value in sure.items() if value > 0}


@pytest.fixture(scope="session")
def limits() -> IntakeLimits:
    """Limits no ordinary sample reaches."""
    return LIMITS


@pytest.fixture(scope="session")
def read(limits: IntakeLimits) -> Callable[..., tuple[list[Item], Unreadable | None]]:
    """`read(source, data, name="x")` gives the items and, where the document as a whole could not be read, why."""
    return Reader(limits)
