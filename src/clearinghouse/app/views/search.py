"""Search over what the viewer may read: ids, public identifiers, names, code and words.

Words are looked up by their keyed hashes in the index of deconfliction, so that no index of plain text exists (decision 4). What is not
readable neither shows nor counts: pages, their ends and the number of statements are the same whatever others hold.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clearinghouse.app.views.cursors import open_cursor, seal_cursor
from clearinghouse.app.views.search_rooms import FoundInRooms, search_rooms
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import has_shape
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.deconfliction import store as deconfliction
from clearinghouse.disclosure.deconfliction.signature import Signer
from clearinghouse.disclosure.deconfliction.tokens import Kind, name_terms, place_terms, token_terms
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Report
from clearinghouse.storage import Transaction

TEXT_CHARACTERS_MAX = 200
_TOKENS_MAX = 8
_TERMS_OF_A_TOKEN_MAX = 24
_TOKEN = re.compile(r"[^\s\"'<>\[\]{},;|*=&?!`]+")
_IDENTIFIER = re.compile(r"[A-Za-z]{2,12}-[0-9A-Za-z:-]{3,40}")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, newest first."""

    text: str
    exact: str
    """Address of the page of an id that was typed and may be opened; empty where there is none."""
    reports: tuple[Report, ...]
    first: bool
    after: str
    within: FoundInRooms = field(default_factory=FoundInRooms)
    """What the viewer's rooms hold of it; looked for with the first page."""


def search(instance: Instance, untrusted_text: str, *, before: str = "", size: int = 30) -> Found:
    """What the viewer may read that has every word of a text, or the one object whose id it is.

    Raises:
        Invalid: the cursor was not made for this viewer.
    """
    text = clean_line(untrusted_text, TEXT_CHARACTERS_MAX)
    place = open_cursor(instance, "search", before)
    viewer, now = instance.actor.id, instance.clock.now()
    size = min(max(size, 1), 100)
    within = search_rooms(instance, text) if place is None else FoundInRooms()
    with instance.read() as tx:
        if has_shape(text):
            report = intake.read_report(tx, text, instance.envelope, viewer=viewer, now=now)
            exact = f"/reports/{report.id}" if report else next((f"/cases/{room.id}" for room in within.rooms if room.id == text), "")
            return Found(text, exact, (report,) if report else (), True, "", within)
        numbers = matching_numbers(tx, instance, text)
        reports = intake.page_reports(
            tx, instance.envelope, viewer=viewer, now=now, size=size + 1, before=place, among=[deconfliction.numbers_listed(tx, numbers)]
        )
    after = seal_cursor(instance, "search", reports[size - 1].number) if len(reports) > size else ""
    return Found(text, "", tuple(reports[:size]), place is None, after, within)


def matching_numbers(tx: Transaction, instance: Instance, text: str) -> list[int]:
    """Numbers of all indexed records that have every word of a text; to be narrowed to what a viewer may read before anything shows.

    Nothing at all matches a text without words: showing everything would hide that nothing was understood.
    """
    wanted = [ways for token in _TOKEN.findall(text)[:_TOKENS_MAX] if (ways := _ways(token))]
    signer = _signer(instance.envelope.index_key())
    hashed = [[[signer.term(kind, word) for kind, word in together] for together in ways] for ways in wanted]
    terms = sorted({term for entry in hashed for together in entry for term in together})
    # Asked also where there is nothing to ask: the number of statements tells nothing.
    lists = deconfliction.read_postings(tx, np.array(terms or [0], np.uint64))
    postings = dict(zip(terms, lists, strict=False))
    found: NDArray[np.uint32] | None = None
    for entry in hashed:
        one = np.unique(np.concatenate([_all_of([postings[term] for term in together]) for together in entry]))
        found = one if found is None else np.intersect1d(found, one, assume_unique=True)
    return [] if found is None else [int(number) for number in found.tolist()]


def _ways(token: str) -> list[list[tuple[Kind, str]]]:
    """The ways in which a record can have a word: any one of them, each all of its terms together."""
    ways: list[list[tuple[Kind, str]]] = []
    if _IDENTIFIER.fullmatch(token.strip(".:()")):
        name = token.strip(".:()").upper()
        ways += [[(Kind.IDENTIFIER, name)], [(Kind.RELATED, name)]]
    found = [*token_terms(token), *place_terms(token), *name_terms(token)]
    ways += [[term] for term in dict.fromkeys(found) if term[0] not in (Kind.WORD, Kind.PHRASE)]
    words = list(dict.fromkeys(term for term in found if term[0] is Kind.WORD))
    if words:
        ways.append(words)
    return ways[:_TERMS_OF_A_TOKEN_MAX]


def _all_of(lists: list[NDArray[np.uint32]]) -> NDArray[np.uint32]:
    found = np.unique(lists[0])
    for other in lists[1:]:
        found = np.intersect1d(found, other)
    return found


@lru_cache(maxsize=4)
def _signer(key: bytes) -> Signer:
    return Signer(key)
