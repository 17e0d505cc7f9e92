"""Mail as a letter: for answers in a conversation, which are not taken apart as reports are.

Never chosen by itself: whoever reads an answer names it.
"""

from collections.abc import Iterator

from clearinghouse.disclosure.intake.sources.base import Document, Item
from clearinghouse.disclosure.intake.sources.mail import read_letter


class Letter:
    """The reader; `SOURCE` is its one object."""

    name = "letter"
    title = "Mail as a letter, nothing read into it (answers in a case)"
    version = "1"

    def sniff(self, document: Document) -> float:
        return 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        yield read_letter(document)


SOURCE = Letter()
