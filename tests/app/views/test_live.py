"""What an open page is told while it stays open: how much is new to this viewer, and nothing of what is not its own."""

from datetime import timedelta

import pytest

from clearinghouse.app.views.case_room import read_room
from clearinghouse.app.views.live import MESSAGE, STEP, Change, Watch, parse_topics, watch, words_of
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import CaseId, new_id
from clearinghouse.core.marks import Marks
from clearinghouse.core.tlp import Tlp
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Finding
from room_cast import Cast
from views_support import counted

FINDING = Finding(title="Overflow in tiff_read_strip")


@pytest.fixture
def cast(instance: Instance) -> Cast:
    return Cast(instance)


@pytest.fixture
def case(cast: Cast) -> CaseId:
    """A case with a vendor in it."""
    case_id = cast.open(cast.report(FINDING))
    cast.join(case_id, "vendor")
    return case_id


class Page:
    """A page of somebody that stays open."""

    def __init__(self, cast: Cast, name: str, *topics: str) -> None:
        self.instance = cast.instance if name == "lead" else cast.instance.acting_as(cast.party(name))
        self.topics = topics
        self.seen: Watch = watch(self.instance, topics)

    def changes(self) -> list[Change]:
        now = watch(self.instance, self.topics, self.seen)
        found, self.seen = now.since(self.seen), now
        return found


def test_messages_and_steps_of_others_are_announced_once(cast: Cast, case: CaseId) -> None:
    topic = f"case:{case}"
    page = Page(cast, "vendor", topic)
    assert page.changes() == []
    cast.write(actions.post_message, case, None, "one")
    cast.write(actions.post_message, case, None, "two")
    cast.write(actions.add_vulnerability, case, "Overflow")
    assert page.changes() == [Change(topic, 2, MESSAGE), Change(topic, 1, STEP)]
    assert page.changes() == []
    cast.write(actions.post_message, case, None, "my own word", actor="vendor")
    assert page.changes() == []


def test_lists_announce_invitations_rooms_messages_and_reports(cast: Cast, case: CaseId) -> None:
    vendor, lead = Page(cast, "vendor", "cases", "queue"), Page(cast, "lead", "inbox", "cases", "queue")
    second = cast.open(cast.report(Finding(title="Another one")))
    cast.write(actions.invite, second, cast.id("vendor"), CaseRole.VENDOR, "please look")
    assert vendor.changes() == [Change("cases", 1), Change("queue", 1)]
    assert lead.changes() == [Change("inbox", 1), Change("cases", 1), Change("queue", 1)]
    cast.write(actions.accept_invitation, second, actor="vendor")
    # The invitation became a room; the queue has lost it.
    assert vendor.changes() == []
    cast.write(actions.post_message, second, None, "hello")
    assert vendor.changes() == [Change("cases", 1), Change("queue", 1)]
    cast.write(actions.close_case, second, "done")
    cast.write(actions.reopen_case, second, "not done")
    assert lead.changes() == []


def test_foreign_and_absent_case_are_the_same_silence(cast: Cast, case: CaseId) -> None:
    absent = CaseId(new_id("case"))
    pages = [Page(cast, "stranger", f"case:{asked}", "cases", "queue", "inbox") for asked in (case, absent)]
    cast.write(actions.post_message, case, None, "secret")
    cast.write(actions.add_vulnerability, case, "Overflow")
    found = []
    for page in pages:
        with counted(cast.instance) as statements:
            said = page.changes()
        found.append((said, len(statements), sorted(page.seen.counts.values()), sorted(page.seen.marks.values())))
    assert found[0] == found[1] == ([], found[0][1], [0, 0, 0, 0, 0], [0])


def test_side_threads_and_hidden_steps_are_no_news_to_others(cast: Cast, case: CaseId) -> None:
    cast.join(case, "second vendor")
    topic = f"case:{case}"
    finder, vendor = Page(cast, "finder", topic), Page(cast, "second vendor", topic)
    thread = cast.write(actions.open_thread, case, "aside", [cast.id("vendor")])
    cast.write(actions.post_message, case, thread, "between us")
    cast.write(actions.post_message, case, None, "for persons alone", marks=Marks(tlp=Tlp.RED))
    cast.write(actions.invite, case, cast.id("third"), CaseRole.VENDOR, "please look")
    assert finder.changes() == [Change(topic, 1, MESSAGE)]
    assert vendor.changes() == [Change(topic, 1, MESSAGE), Change(topic, 1, STEP)]


def test_statements_do_not_grow_with_what_there_is(cast: Cast, case: CaseId) -> None:
    topics = ("inbox", "queue", "cases", f"case:{case}")
    page = Page(cast, "lead", *topics)
    page.changes()
    with counted(cast.instance) as few:
        page.changes()
    for n in range(3):
        other = cast.open(cast.report(Finding(title=f"Flaw {n}"), f"finder {n}"))
        cast.write(actions.post_message, other, None, "hello")
        cast.write(actions.post_message, case, None, "hello", actor="vendor")
    with counted(cast.instance) as many:
        page.changes()
    assert len(few) == len(many) <= 24


def test_room_says_what_is_new_since_the_viewer_was_here(cast: Cast, case: CaseId, clock: FixedClock) -> None:
    vendor = cast.instance.acting_as(cast.party("vendor"))
    assert read_room(vendor, case).news == {MESSAGE: 0, STEP: 0}
    clock.at += timedelta(minutes=1)
    said = [cast.write(actions.post_message, case, None, word) for word in ("one", "two")]
    cast.write(actions.add_vulnerability, case, "Overflow")
    room = read_room(vendor, case)
    assert (room.news, words_of(room.news)) == ({MESSAGE: 2, STEP: 1}, "2 new messages, 1 new step")
    clock.at += timedelta(minutes=1)
    cast.write(actions.mark_read, case, room.threads[0].thread.id, said[-1], actor="vendor")
    assert read_room(vendor, case).news == {MESSAGE: 0, STEP: 0}
    clock.at += timedelta(minutes=1)
    cast.write(actions.add_vulnerability, case, "Another one")
    assert read_room(vendor, case).news == {MESSAGE: 0, STEP: 1}
    clock.at += timedelta(minutes=1)
    cast.write(actions.mark_read, case, room.threads[0].thread.id, said[-1], actor="vendor")
    assert read_room(vendor, case).news == {MESSAGE: 0, STEP: 0}


def test_topics_of_an_address_are_known_ones_and_few() -> None:
    ids = [new_id("case") for _ in range(9)]
    asked = parse_topics(",".join(["queue", "inbox", "nonsense", "case:x", "case:", *(f"case:{one}" for one in ids), "inbox"]))
    assert asked == ("queue", "inbox", *(f"case:{one}" for one in ids[:4]))
    assert words_of({MESSAGE: 1, STEP: 0, "": 2}) == "1 new message, 2 new"
