"""Documents that are well understood and no report: each is told what it is and what would be right.

Its confidence is low on purpose: whatever a real source can read, that source reads.
"""

import re
from collections.abc import Iterator

from clearinghouse.disclosure.intake.sources._recognise import KINDS, binary_kind
from clearinghouse.disclosure.intake.sources.base import Document, Item, NotAReport, Unreadable

_HTML = re.compile(r"\A\s{0,100}(?:<!--[^>]{0,500}-->\s{0,20})?(?:<!doctype html|<html\b|<head\b|<body\b)", re.IGNORECASE)


class OtherDocuments:
    """The reader; `SOURCE` is its one object."""

    name = "other_documents"
    title = "documents that are no reports"
    version = "1"

    def sniff(self, document: Document) -> float:
        if any(kind.told_by(document) for kind in KINDS):
            return 0.4
        return 0.3 if _HTML.match(document.head) else 0.2 if binary_kind(document) else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        for kind in KINDS:
            if kind.told_by(document):
                raise NotAReport(f"not a report: {kind.what}; use {kind.use}")
        if _HTML.match(document.head):
            raise NotAReport("not a report: an HTML page; use the text of the report as Markdown or plain text, or the mail it came with")
        if what := binary_kind(document):
            inside = "the files inside, each by itself" if "archive" in what else "a text that says what it shows, with the file attached"
            raise NotAReport(f"not a report: {what}; use {inside}")
        raise Unreadable("nothing this source knows; name the right source or leave it to be found", "", "document.unknown")
        yield  # a source is a generator, also where it never yields


SOURCE = OtherDocuments()
