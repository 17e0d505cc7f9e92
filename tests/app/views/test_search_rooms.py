"""Search in rooms: by title, CVE id, name and word, and nothing of a room, thread or name that is not the viewer's."""

import pytest

from clearinghouse.app.views.search import search
from clearinghouse.app.views.search_rooms import FoundInRooms
from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import CaseId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Consents, Finding
from clearinghouse.parties.records import Tier
from room_cast import Cast
from views_support import counted

TITLE = "Overflow in the strip reader"


@pytest.fixture
def cast(instance: Instance) -> Cast:
    return Cast(instance)


@pytest.fixture
def case(cast: Cast) -> CaseId:
    """A case with two vendors, a flaw, and words in the official and in a side thread."""
    case_id = cast.open(cast.report(Finding(title="Report of it")), title=TITLE)
    cast.join(case_id, "vendor")
    cast.join(case_id, "second vendor")
    cast.write(actions.add_vulnerability, case_id, "Copy without a bound", identifiers=["CVE-2026-4123"])
    cast.write(actions.post_message, case_id, None, "the <b>quokka</b> build is affected")
    thread = cast.write(actions.open_thread, case_id, "aside", [cast.id("vendor")])
    cast.write(actions.post_message, case_id, thread, "the wombat build as well")
    cast.write(actions.post_message, case_id, None, "numbat, for persons alone", marks=Marks(tlp=Tlp.RED))
    return case_id


def found(cast: Cast, name: str, text: str) -> FoundInRooms:
    person = cast.instance.actor if name == "lead" else cast.party(name)
    return search(cast.instance.acting_as(person), text).within


def kinds(cast: Cast, name: str, text: str) -> tuple[int, int, int, int]:
    """How many rooms, flaws, parties and messages."""
    within = found(cast, name, text)
    return len(within.rooms), len(within.flaws), len(within.parties), len(within.messages)


@pytest.mark.parametrize(("name", "text", "expected"), [
    ("vendor", "STRIP reader", (1, 0, 0, 0)), ("vendor", "cve-2026-4123", (0, 1, 0, 0)), ("vendor", "without a bound", (0, 1, 0, 0)),
    ("vendor", "quokka build", (0, 0, 0, 1)), ("vendor", "wombat", (0, 0, 0, 1)), ("second vendor", "wombat", (0, 0, 0, 0)),
    ("lead", "build", (0, 0, 0, 2)), ("vendor", "numbat", (0, 0, 0, 1)), ("vendor", "second ven", (0, 0, 1, 0)), ("vendor", "quokka nosuch", (0, 0, 0, 0)),
    ("vendor", "", (0, 0, 0, 0)), ("vendor", "x", (0, 0, 0, 0)), ("vendor", "%", (0, 0, 0, 0)), ("vendor", "__", (0, 0, 0, 0)),
    *(("stranger", text, (0, 0, 0, 0)) for text in ("strip reader", "cve-2026-4123", "quokka", "second vendor", "vendor")),
])
def test_rooms_are_searched_as_far_as_the_viewer_reads_them(cast: Cast, case: CaseId, name: str, text: str, expected: tuple[int, ...]) -> None:
    assert kinds(cast, name, text) == expected


def test_found_things_say_where_they_are(cast: Cast, case: CaseId) -> None:
    message, flaw = found(cast, "vendor", "quokka").messages[0], found(cast, "vendor", "CVE-2026-4123").flaws[0]
    assert (message.case_id, message.case_title, message.excerpt) == (case, TITLE, "the <b>quokka</b> build is affected")
    assert (flaw.case_id, flaw.title, flaw.identifiers) == (case, "Copy without a bound", ("CVE-2026-4123",))
    assert search(cast.instance.acting_as(cast.party("vendor")), case).exact == f"/cases/{case}"


def test_reporter_finds_no_other_reporter_and_unnamed_ones_are_found_by_nobody_else(cast: Cast) -> None:
    told, quiet = (Finding(title=str(name), consents=Consents(share_name=name)) for name in (True, False))
    case_id = cast.open(cast.report(told), cast.report(quiet, "quiet finder"), title=TITLE)
    cast.join(case_id, "vendor")
    # The lead keeps the list of parties, and finds their organisations as well.
    people = {name: [one.name for one in found(cast, name, "finder").parties] for name in ("finder", "quiet finder", "vendor", "lead")}
    assert people == {"finder": ["finder"], "quiet finder": ["quiet finder"], "vendor": ["finder"], "lead": ["finder", "finder's", "quiet finder", "quiet finder's"]}


def test_dates_alone_show_no_text(cast: Cast, case: CaseId) -> None:
    cast.join(case, "deployer", CaseRole.DEPLOYER, tier=Tier.EXISTENCE)
    assert [kinds(cast, "deployer", text) for text in ("strip", "cve-2026-4123", "quokka", "vendor")] == [(0, 0, 0, 0)] * 4


def test_foreign_and_absent_ids_and_words_cost_the_same(cast: Cast, case: CaseId) -> None:
    stranger = cast.instance.acting_as(cast.party("stranger"))
    search(stranger, "warm")
    numbers = []
    for text in (case, new_id("case")):
        with counted(cast.instance) as sent:
            answer = search(stranger, text)
        numbers.append((len(sent), answer.exact, answer.within))
    assert numbers[0] == numbers[1]
    words = []
    for text in ("quokka", "nosuchword"):
        with counted(cast.instance) as sent:
            search(stranger, text)
        words.append(len(sent))
    assert words[0] == words[1]
