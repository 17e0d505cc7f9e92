"""People around a case, for tests: parties by name, reports by whom, and a room among them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.ids import CaseId, PartyId, ReportId
from clearinghouse.core.marks import Marks
from clearinghouse.core.roles import Role
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.records import CaseRole
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake.parser import ReadItem
from clearinghouse.disclosure.intake.records import Cover, Finding
from clearinghouse.disclosure.intake.rules import clean_finding, digest_finding
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.storage import Transaction

_T = TypeVar("_T")


@dataclass
class Cast:
    """One instance and the people tests speak of by name."""

    instance: Instance
    people: dict[str, Party] = field(default_factory=dict)
    organisations: dict[str, Party] = field(default_factory=dict)

    def write(self, act: Callable[..., _T], *arguments: Any, actor: str = "lead", **options: Any) -> _T:
        """An action in a transaction of its own, as somebody."""
        party = self.id(actor)
        with self.instance.database.write() as tx:
            return act(tx, *arguments, actor=party, now=self.instance.clock.now(), **self._given(act, options))

    def read(self, act: Callable[..., _T], *arguments: Any, viewer: str = "lead", **options: Any) -> _T:
        """A read, as somebody."""
        party = self.id(viewer)
        with self.instance.database.read() as tx:
            return act(tx, *arguments, viewer=party, now=self.instance.clock.now(), **self._given(act, options))

    def _given(self, act: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
        wanted = act.__kwdefaults__ or {}
        names = act.__code__.co_varnames[: act.__code__.co_argcount + act.__code__.co_kwonlyargcount]
        given = dict(options)
        for name, value in (("envelope", self.instance.envelope), ("limits", self.instance.policy.rooms), ("policy_of", policy_of)):
            if name in names and name not in wanted:
                given.setdefault(name, value)
        return given

    def id(self, name: str) -> PartyId:
        """The party of a name; `lead` is the instance's own operator."""
        return self.instance.actor.id if name == "lead" else self.party(name).id

    def party(self, name: str) -> Party:
        """Somebody, with an organisation of the same name; made when first spoken of. `NAME's` is the organisation."""
        if name.endswith("'s"):
            self.party(name[:-2])
            return self.organisations[name[:-2]]
        if name not in self.people:
            roles = frozenset({Role.COORDINATOR, Role.REPORTER} if name.startswith("coordinator") else {Role.REPORTER})
            with self.instance.database.write() as tx:
                by = self.instance.actor.id
                now = self.instance.clock.now()
                self.organisations[name] = parties.add_party(tx, PartyKind.ORGANISATION, f"{name}'s", frozenset(), actor=by, now=now)
                self.people[name] = parties.add_party(
                    tx, PartyKind.PERSON, name, roles, organisation=self.organisations[name].id, actor=by, now=now
                )
        return self.people[name]

    def report(self, finding: Finding, reporter: str = "finder", *, tx: Transaction | None = None) -> ReportId:
        """A report of somebody that the operator may read."""
        if tx is None:
            self.party(reporter)
            with self.instance.database.write() as opened:
                return self.report(finding, reporter, tx=opened)
        finding, _ = clean_finding(finding, self.instance.policy.intake)
        now, digest = self.instance.clock.now(), digest_finding(finding)
        submission = intake.begin_submission(
            tx, name="report.json", digest=digest, size_bytes=1, cover=Cover(), idempotency_key=digest, reporter=self.id(reporter),
            actor=self.instance.actor.id, envelope=self.instance.envelope, now=now,
        )
        _, items = intake.take_in(
            tx, submission, [ReadItem("", finding, (), digest)], source="test", version="1", actor=self.instance.actor.id,
            envelope=self.instance.envelope, now=now,
        )
        assert items[0].report_id is not None
        return items[0].report_id

    def open(self, *report_ids: ReportId, title: str = "Overflow in the reader", marks: Marks | None = None) -> CaseId:
        """A case the operator leads."""
        return self.write(actions.open_case, list(report_ids), title, summary="One paragraph.", marks=marks, policy_version=1)

    def join(self, case_id: CaseId, name: str, role: CaseRole = CaseRole.VENDOR, **options: Any) -> None:
        """Invite somebody and have them accept; `NAME's` brings the organisation, whose person accepts."""
        self.write(actions.invite, case_id, self.id(name), role, "needed here", **options)
        self.write(actions.accept_invitation, case_id, actor=name.removesuffix("'s"))
