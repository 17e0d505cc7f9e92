"""The embargo on a page: what each kind of viewer is told, what-if in words, the picture, and the commands."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from sqlalchemy import event
from typer.testing import CliRunner

from clearinghouse.app.timers import refresh_embargo
from clearinghouse.app.views.case_room import NOT_NAMED
from clearinghouse.app.views.embargo_clock import EmbargoClock, ask_what_if, read_embargo
from clearinghouse.app.wiring import Instance
from clearinghouse.cli.main import app
from clearinghouse.core.clock import FixedClock, SystemClock
from clearinghouse.core.errors import NotFound
from clearinghouse.core.ids import CaseId
from clearinghouse.core.terms import Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo import actions
from clearinghouse.disclosure.coordination.embargo.records import Change, ChangeKind, Consent, EmbargoState, TimetableState
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.web.timetable import timetable
from docs.embargo_examples import SHIPPED
from room_cast import Cast

DAY = timedelta(days=1)


@pytest.fixture
def cast(instance: Instance) -> Cast:
    """People around an instance on either database."""
    return Cast(instance)


@pytest.fixture
def case_id(cast: Cast) -> CaseId:
    """A case with two reporters of the same flaw and a vendor."""
    opened = cast.open(cast.report(Finding(title="Overflow in tiff_read_strip")), cast.report(Finding(title="The same"), "second finder"))
    cast.join(opened, "vendor")
    return opened


def seen(cast: Cast, case_id: CaseId, name: str = "lead") -> EmbargoClock:
    party = cast.instance.actor if name == "lead" else cast.party(name)
    return read_embargo(cast.instance.acting_as(party), case_id)


def test_page_before_anything_was_done_shows_the_default(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    found = seen(cast, case_id)
    assert (found.state, found.timetable, found.ends_at, found.seconds_left, found.rank, found.bound_by) == (
        EmbargoState.NONE, TimetableState.RUNNING, clock.now() + 30 * DAY, 30 * 86_400, Rank.DEFAULT, "This instance",
    )
    assert [(line.id, line.binds) for line in found.clocks] == [("fallback-30", True)]
    assert (found.world, dict(found.vendors)) == ("pxa", {"vendor": "Vfd"})
    assert found.may >= {"propose", "exit", "terms", "record"}


def test_coordinator_sees_names_where_the_record_has_ids(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.write(actions.propose_embargo, case_id, clock.now() + 60 * DAY, note="for the port", actor="vendor")
    found = seen(cast, case_id)
    assert [(line.by, line.note, line.accepted, line.needed, line.asked) for line in found.proposals] == [("vendor", "for the port", 1, 4, True)]
    assert any("still to answer" in words and "second finder" in words and "pty_" not in words for words in found.conflicts)
    assert {line.name: line.consent for line in found.consents}["vendor"] is Consent.SIGNATORY


def test_reporter_learns_nothing_of_the_other_reporter(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    other = cast.party("second finder")
    cast.write(actions.propose_embargo, case_id, clock.now() + 60 * DAY, note="from me", actor="second finder")
    cast.write(actions.record_fact, case_id, Milestone.EXPLOITATION_SUSPECTED, clock.now(), note="seen by me", actor="second finder")
    cast.write(actions.record_leak, case_id, "a place I know", clock.now(), actor="second finder")
    found = seen(cast, case_id, "finder")
    text = str(found)
    assert other.id not in text
    assert other.name not in text
    assert "seen by me" not in text
    assert "a place I know" not in text
    assert [(line.by, line.accepted, line.needed, line.asked) for line in found.proposals] == [(NOT_NAMED, 0, 3, True)]
    assert [line.name for line in found.consents if line.mine] == ["finder"]
    asked = ask_what_if(cast.instance.acting_as(cast.party("finder")), case_id, Change(ChangeKind.GOES_PUBLIC, clock.now() + DAY))
    assert other.id not in str(asked.difference)
    assert asked.after.tell == tuple(sorted(cast.id(name) for name in ("lead", "finder", "vendor")))


def test_observer_of_dates_is_shown_dates_alone(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    charter = Terms("charter", "Secret Project", "https://secret.example", Rank.CHARTER, Milestone.VENDOR_CONTACTED, 20, party=cast.id("vendor"))
    cast.write(actions.apply_terms, case_id, charter, actor="vendor")
    cast.join(case_id, "watcher", CaseRole.OBSERVER, tier=0)
    found = seen(cast, case_id, "watcher")
    assert found.ends_at == clock.now() + 20 * DAY
    assert (found.clocks, found.conflicts, found.consents, found.bound_by, found.words) == ((), (), (), "", "")
    assert "Secret" not in str(found)


def test_stranger_is_told_nothing(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    cast.party("stranger")
    with pytest.raises(NotFound):
        seen(cast, case_id, "stranger")
    with pytest.raises(NotFound):
        ask_what_if(cast.instance.acting_as(cast.party("stranger")), case_id, Change(ChangeKind.GOES_PUBLIC, clock.now()))


def test_what_if_stores_nothing(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    before = seen(cast, case_id)
    asked = ask_what_if(cast.instance, case_id, Change(ChangeKind.GOES_PUBLIC, clock.now() + 3 * DAY))
    assert asked.difference[0] == "the embargo ends at 2026-11-24 08:00 UTC, 27 days earlier"
    assert seen(cast, case_id) == before


def test_number_of_statements_does_not_grow_with_proposals_and_facts(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    counted: list[str] = []
    event.listen(cast.instance.database.engine, "before_cursor_execute", lambda *arguments: counted.append(str(arguments[2])))

    def count() -> int:
        counted.clear()
        seen(cast, case_id)
        return len(counted)

    seen(cast, case_id)  # a fresh connection asks a few things of its own
    few = count()
    for days in range(5, 25):
        clock.at += timedelta(minutes=1)
        cast.write(actions.propose_embargo, case_id, clock.now() + days * DAY)
        cast.write(actions.record_fact, case_id, Milestone.FIX_EXPECTED, clock.now() + days * DAY, actor="vendor")
    assert count() == few


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_picture_draws_every_clock_and_escapes_what_holders_are_called(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    hostile = Terms("x", "<script>alert(1)</script>\"' onload=x", "https://example.org", Rank.CHARTER, Milestone.VENDOR_CONTACTED, 20)
    cast.write(actions.apply_terms, case_id, hostile)
    cast.write(actions.apply_terms, case_id, SHIPPED["open-ended"])
    cast.write(actions.record_fact, case_id, Milestone.POSTED_TO_LIST, clock.now())
    cast.write(actions.apply_terms, case_id, SHIPPED["linux-distros"])
    found = seen(cast, case_id)
    drawn = str(timetable(found, clock.now() + 5 * DAY))
    reader = _Reader()
    reader.feed(drawn)
    assert "script" not in reader.tags
    assert not {"onload", "style", "onclick"} & set(reader.attributes)
    owed = sum(line.at is not None for line in found.duties)
    assert reader.tags.count("li") == len(found.clocks) + owed == 4 + owed
    assert drawn.count("<strong>binds</strong>") == 1
    assert all(0 <= float(x) <= 100 for x in re.findall(r' x="([\d.-]+)"', drawn))
    assert "&lt;script&gt;" in drawn


def test_picture_without_any_clock_says_so(cast: Cast, case_id: CaseId, clock: FixedClock) -> None:
    assert "No clock runs yet" in timetable(replace(seen(cast, case_id), clocks=(), duties=(), details=()), clock.now())


def test_commands_tell_one_story(cast: Cast, case_id: CaseId, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    # The commands read the machine's clock, which is some other day than that of the case.
    monkeypatch.setattr(SystemClock, "now", lambda _: clock.now())
    refresh_embargo(cast.instance, case_id)
    home, runner = str(cast.instance.settings.home), CliRunner()

    def run(*words: str, code: int = 0) -> str:
        done = runner.invoke(app, ["--home", home, "embargo", *words])
        assert done.exit_code == code or (code and done.exception is not None), done.output
        return done.output

    shown = json.loads(run("show", case_id, "--json"))
    assert (shown["bound_by"], shown["ends_at"]) == ("This instance", "2026-12-21T08:00:00.000000Z")
    assert "This instance" in run("show", case_id)
    assert "27 days earlier" in run("what-if", case_id, "goes_public", "--at", "2026-11-24T08:00Z")
    run("fact", case_id, "posted_to_list", "--at", "2026-11-21T08:00Z")
    assert json.loads(run("terms", case_id, "linux-distros", "--json"))["ends_at"] == "2026-12-05T08:00:00.000000Z"
    proposal = run("propose", case_id, "--at", "2026-12-04T12:00+02:00").split()[0]
    # Who proposes has accepted, so there is something to accept only in what another has proposed.
    run("accept", case_id, proposal, code=6)
    offered = cast.write(actions.propose_embargo, case_id, clock.now() + 10 * DAY, actor="vendor")
    run("accept", case_id, offered.id)
    run("decline", case_id, proposal, "--reason", "too long")
    shown = {one["id"]: one for one in json.loads(run("show", case_id, "--json"))["proposals"]}
    assert {key: (one["state"], one["accepted"]) for key, one in shown.items()} == {proposal: ("declined", 0), offered.id: ("open", 2)}
    assert "deadline" in run("sweep")
    run("what-if", case_id, "nonsense", "--at", "2026-11-24", code=3)
    run("fact", case_id, "public", "--at", "yesterday", code=3)

