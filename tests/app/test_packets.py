"""From a case to a maintainer's page and back: the whole way on both databases."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event as sql_event

from clearinghouse.app.packets import deliver_waiting, queue_packet, supply_packet
from clearinghouse.app.process import SWEEPS, deliver_packets
from clearinghouse.app.views.maintainer import MaintainerPage, read_maintainer
from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.errors import Invalid, NotFound
from clearinghouse.core.ids import PartyId, new_id
from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.coordination.capacity import Reply, ReplyKind, Waiting, actions
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.records import CodeLocation, Consents, Finding, SeverityClaim
from clearinghouse.parties.charters.actions import adopt_charter
from room_cast import Cast

CHARTER = '''charter = 1
[project]
name = "lib"
packages = ["pkg:pypi/lib"]
[capacity]
per_week = 2
[[scope.not_a_vulnerability]]
id = "tools"
words = "Anything in the tools."
paths = ["tools/"]
'''


def finding(number: int, **more: object) -> Finding:
    return Finding(
        title=f"Flaw {number}", description=f"Flaw {number} is here.", packages=(normalise_package("pypi", "lib"),), reproduction="run it",
        severities=(SeverityClaim("x", score=float(number)),), **more,  # type: ignore[arg-type]
    )


def vendor(cast: Cast, more: str = "") -> PartyId:
    party = cast.id("vendor's")
    cast.write(
        adopt_charter, party, (CHARTER + more).encode(), untrusted_reason="They asked.", limits=cast.instance.policy.charters
    )
    return party


def page(cast: Cast, viewer: str = "vendor", party: str = "vendor's") -> MaintainerPage:
    return read_maintainer(cast.instance.acting_as(cast.party(viewer)), cast.id(party))


def told(cast: Cast, report_id: str, viewer: str = "finder") -> Waiting | None:
    instance = cast.instance
    with instance.database.read() as tx:
        report = intake.read_report(tx, report_id, envelope=instance.envelope, viewer=cast.id(viewer), now=instance.clock.now())
        return actions.read_waiting(tx, report, envelope=instance.envelope, policy=instance.policy.capacity, now=instance.clock.now())


def answer(cast: Cast, delivery_id: str, reply: Reply) -> None:
    cast.write(actions.answer_delivery, delivery_id, reply, actor="vendor", policy=cast.instance.policy.capacity)


def test_case_reaches_its_vendor_and_comes_back(instance: Instance, clock: FixedClock) -> None:
    cast = Cast(instance)
    party = vendor(cast)
    reports = [cast.report(finding(number), f"finder{number}") for number in range(1, 5)]
    cases = [cast.open(report) for report in reports]
    for case in cases:
        queue_packet(instance, party, case, reproducer_confirmed=True, embargo="until 2027-02-01")
    assert told(cast, reports[0], "finder1") == Waiting("waiting", "waiting for capacity, about a week at most")
    assert len(deliver_waiting(instance)) == 2
    shown = page(cast)
    assert [one.packet.title for one in shown.open] == ["Flaw 4", "Flaw 3"]
    assert "Embargo    until 2027-02-01" in shown.open[0].text
    assert [(line.forecast.position if line.forecast else 0, line.object_id) for line in shown.waiting] == [(1, ""), (2, "")]
    assert [(week.delivered, week.waiting) for week in shown.weeks[-8:-5]] == [(2, 0), (0, 0), (0, 0)]
    assert shown.weeks[7].arrived == 4
    answer(cast, shown.open[0].delivery.id, Reply(ReplyKind.DECLINE, "Not ours."))
    answer(cast, shown.open[1].delivery.id, Reply(ReplyKind.MORE, "Which version?"))
    supply_packet(instance, shown.open[1].delivery.item_id)
    again = page(cast)
    assert [(one.packet.title, one.reply) for one in again.decided] == [("Flaw 4", Reply(ReplyKind.DECLINE, "Not ours."))]
    assert [(one.packet.title, one.reply) for one in again.open] == [("Flaw 3", None)]
    assert [told(cast, report, f"finder{number}") for number, report in ((4, reports[3]), (3, reports[2]))] == [
        Waiting("answered", "the vendor has answered"), Waiting("delivered", "sent to the vendor")
    ]
    clock.at += timedelta(days=7)
    assert len(deliver_waiting(instance)) == 2


def test_worker_delivers_on_its_round_and_no_more_than_may_go(instance: Instance, clock: FixedClock) -> None:
    cast = Cast(instance)
    party = vendor(cast)
    for number in range(1, 5):
        queue_packet(instance, party, cast.open(cast.report(finding(number))), reproducer_confirmed=True)
    rounds = []
    for _ in range(3):
        rounds.append([sweep(instance) for sweep in SWEEPS][SWEEPS.index(deliver_packets)])
        clock.at += timedelta(days=3, hours=12)
    assert rounds == [2, 0, 2]


def test_raw_report_is_held_and_its_finder_is_asked(instance: Instance) -> None:
    cast = Cast(instance)
    party = vendor(cast, "[reports]\nrequired = ['impact']\n")
    report = cast.report(finding(1))
    queue_packet(instance, party, cast.open(report))
    assert deliver_waiting(instance) == []
    assert told(cast, report) == Waiting("held", "held until what the project requires is there", ("impact",))  # type: ignore[arg-type]


def test_what_is_no_vulnerability_is_pointed_at_and_delivered(instance: Instance) -> None:
    cast = Cast(instance)
    party = vendor(cast)
    queue_packet(instance, party, cast.open(cast.report(finding(1, locations=(CodeLocation("tools/x.c"),)))), reproducer_confirmed=True)
    deliver_waiting(instance)
    assert page(cast).open[0].packet.pointed == (("tools", "Anything in the tools."),)


def test_report_that_may_not_be_shared_reaches_nobody(instance: Instance) -> None:
    cast = Cast(instance)
    party = vendor(cast)
    case = cast.open(cast.report(finding(1, consents=Consents(share_with_vendor=False))))
    with pytest.raises(Invalid, match="did not allow"):
        queue_packet(instance, party, case, reproducer_confirmed=True)


def test_single_report_goes_as_well(instance: Instance) -> None:
    cast = Cast(instance)
    party = vendor(cast)
    report = cast.report(finding(1))
    queue_packet(instance, party, report, reproducer_confirmed=True)
    assert [one.object_id for one in deliver_waiting(instance)] == [report]


def test_page_is_for_the_vendor_alone(instance: Instance) -> None:
    cast = Cast(instance)
    party = vendor(cast)
    told = set()
    for name, wanted in (("stranger", party), ("coordinator", party), ("vendor", new_id("pty")), ("vendor", cast.id("stranger's"))):
        with pytest.raises(NotFound) as error:
            read_maintainer(instance.acting_as(cast.party(name)), wanted)
        told.add(str(error.value).replace(wanted, "ID"))
    assert told == {"nothing found under 'ID'"}


def test_finders_words_do_not_change_with_what_others_send(instance: Instance) -> None:
    cast = Cast(instance)
    party = vendor(cast)
    report = cast.report(finding(9))
    queue_packet(instance, party, cast.open(report), reproducer_confirmed=True)
    before = told(cast, report)
    for number in range(1, 7):
        queue_packet(instance, party, cast.open(cast.report(finding(number), "flood")), reproducer_confirmed=True)
    assert told(cast, report) == before


def test_statements_of_the_page_do_not_grow(instance: Instance, clock: FixedClock) -> None:
    cast = Cast(instance)
    party = vendor(cast)

    def statements(read: Callable[[], object]) -> int:
        count = 0

        def one(*_: object) -> None:
            nonlocal count
            count += 1

        sql_event.listen(instance.database.engine, "before_cursor_execute", one)
        read()
        sql_event.remove(instance.database.engine, "before_cursor_execute", one)
        return count

    empty = statements(lambda: page(cast))
    for number in range(1, 9):
        queue_packet(instance, party, cast.open(cast.report(finding(number), f"finder{number}")), reproducer_confirmed=True)
        deliver_waiting(instance)
        clock.at += timedelta(days=2)
    shown = page(cast)
    answer(cast, shown.open[0].delivery.id, Reply(ReplyKind.ACCEPT))
    assert shown.waiting
    assert statements(lambda: page(cast)) == empty
