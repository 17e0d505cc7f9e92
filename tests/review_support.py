"""A developer and a desk with their people and keys, and how far a review has come."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from clearinghouse.app.wiring import Instance
from clearinghouse.core.clock import FixedClock
from clearinghouse.core.ids import PartyId, ReviewCaseId
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.custody import actions as custody
from clearinghouse.evaluation.benchmarks.packs import actions as packs
from clearinghouse.evaluation.benchmarks.suites import find_suite
from clearinghouse.evaluation.review import actions, documents, store
from clearinghouse.evaluation.review.actions.agreeing import proof_of_key
from clearinghouse.evaluation.review.records import Document, DocumentKind, Engagement, Part, ReviewKind, ReviewState, Window
from clearinghouse.ledger.dsse import sign_payload
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import Party, PartyKind

_T = TypeVar("_T")
AGREEMENT = """
purpose = "Measure what the model can do against sealed cyber benchmarks."
environment = "The desk's own machines, no egress but the gateway."
access_level = "AL1"
upstream = "model"
window_hours = 48
persons = ["Edda Evaluator"]
transcripts_retained_days = 90
prompts_retained_by_developer = false
logging = "Counts and digests of each call; no text at the gateway."
output_handling = "Sealed under the engagement's own key."
assessment_to = "The developer's people in this review."
plan_shown = true
publication = "Counts of windows alone."
legal_basis = "A voluntary agreement between both organisations."
"""
ASSESSMENT: dict[str, Any] = {
    "outcome": "undetermined", "decides": "cheating_removed", "rehearsal": True, "domains": [], "findings": [], "incidents": {},
    "effort": {"scaffolds": 1, "prompts": 1, "attempts": 1, "tokens": 1, "person_hours": 1.0},
    "budget": {"epochs": 1, "tokens": 1, "messages": 1, "seconds": 1.0},
    "exposure": {"items": 1, "of_pack": 1, "most_engagements": 1, "words": "Made up for a test."},
}
"""As the desk shows one, of no domain."""
PLAN = {"note": "a plan made up for a test"}
PLAN_DIGEST = "sha256:" + hashlib.sha256(b"plan").hexdigest()
ITEM_ROOT = "sha256:" + hashlib.sha256(b"items").hexdigest()
ASSESSMENT = {
    "outcome": "undetermined", "decides": "raw", "rehearsal": False, "domains": [], "findings": [], "effort": {
        "scaffolds": 1, "prompts": 1, "attempts": 1, "tokens": 1, "person_hours": 1.0,
    }, "budget": {"tokens": 1, "messages": 1, "seconds": 1.0, "epochs": 1}, "exposure": {"items": 1, "of_pack": 1, "most_engagements": 1, "words": "seen"},
    "incidents": {},
}
PEOPLE = {
    "dora": ("lab", Role.DEVELOPER), "doug": ("lab", Role.DEVELOPER), "edda": ("desk", Role.EVALUATOR), "anna": ("desk", Role.AUTHORITY),
    "axel": ("desk", Role.AUTHORITY), "carl": ("desk", Role.CUSTODIAN), "cleo": ("desk", Role.CUSTODIAN), "olga": ("other", Role.OVERSEER), "mallory": ("rival", Role.DEVELOPER),
}


@dataclass
class Table:
    """Both sides of a review."""

    instance: Instance
    clock: FixedClock
    people: dict[str, Party] = field(default_factory=dict)
    houses: dict[str, Party] = field(default_factory=dict)
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, (name, (house, role)) in enumerate(PEOPLE.items()):
            with self.instance.database.write() as tx:
                if house not in self.houses:
                    self.houses[house] = parties.add_party(
                        tx, PartyKind.ORGANISATION, house.title(), frozenset(), actor=self.instance.actor.id, now=self.clock.now()
                    )
                self.people[name] = parties.add_party(
                    tx, PartyKind.PERSON, name.title(), frozenset({role}), organisation=self.houses[house].id, actor=self.instance.actor.id,
                    now=self.clock.now(),
                )
                key = self.keys[name] = Ed25519PrivateKey.from_private_bytes(bytes([number + 1]) * 32)
                actions.register_key(
                    tx, key.public_key().public_bytes_raw(), _proof(key, self.people[name].id),
                    actor=self.people[name].id, now=self.clock.now(),
                )

    def id(self, name: str) -> PartyId:
        return self.people[name].id

    def act(self, verb: Callable[..., _T], *arguments: Any, by: str, **options: Any) -> _T:
        """One deed in a transaction of its own."""
        wanted = inspect.signature(verb).parameters
        given: dict[str, Any] = {"envelope": self.instance.envelope, "policy": self.instance.policy.review, "actor": self.id(by), "now": self.clock.now()}
        given["viewer"] = self.id(by)
        with self.instance.database.write() as tx:
            return verb(tx, *arguments, **{name: value for name, value in given.items() if name in wanted}, **options)

    def see(self, review_id: str, viewer: str) -> Engagement:
        with self.instance.database.read(viewer=self.id(viewer), now=self.clock.now()) as tx:
            return actions.enter(tx, review_id, envelope=self.instance.envelope, viewer=self.id(viewer), now=self.clock.now())

    def state(self, review_id: str) -> ReviewState:
        return self.see(review_id, "dora").review.state

    def read(self, reading: Callable[..., _T], review_id: str, *arguments: Any, viewer: str = "edda") -> _T:
        engagement = self.see(review_id, viewer)
        with self.instance.database.read(viewer=self.id(viewer), now=self.clock.now()) as tx:
            return reading(tx, engagement, *arguments)

    def open(self, kind: ReviewKind = ReviewKind.ACCESS, *, version: str = "1.0", variant: str = "full", by: str = "dora", **options: Any) -> ReviewCaseId:
        model = documents.parse_model("Lab", "model", version, variant, "", False)
        return self.act(actions.open_review, kind, model, "Please review it.", self.houses["desk"].id, by=by, policy_version=1, **options).id

    def sign(self, review_id: str, document: Document, *names: str) -> bool:
        done = False
        for name in names:
            done = self.act(actions.sign, review_id, document.id, sign_payload(document.payload, self.keys[name]), by=name)
        return done

    def agreed(self, agreement: str = AGREEMENT, **options: Any) -> ReviewCaseId:
        """A review whose terms both sides signed."""
        review_id = self.open(**options)
        self.act(actions.submit, review_id, by="dora")
        assert self.sign(review_id, self.act(actions.draft_agreement, review_id, agreement, by="anna"), "dora", "anna")
        return review_id

    def frozen(self, **options: Any) -> ReviewCaseId:
        review_id = self.agreed(**options)
        self.act(actions.freeze_plan, review_id, PLAN, PLAN_DIGEST, ITEM_ROOT, thresholds={"finding": 0.5}, pack="pck", by="edda")
        return review_id

    def opened(self, **options: Any) -> tuple[ReviewCaseId, Window]:
        review_id = self.frozen(**options)
        return review_id, self.act(actions.open_window, review_id, by="edda")

    def closed(self, **options: Any) -> ReviewCaseId:
        review_id, _ = self.opened(**options)
        self.wait(hours=1)
        self.act(actions.end_window, review_id, by="edda")
        return review_id

    def previewed(self, **options: Any) -> ReviewCaseId:
        review_id = self.closed(**options)
        self.act(actions.keep_analysis, review_id, b'{"record": 1}', PLAN_DIGEST, by="edda")
        self.act(actions.draw_up_assessment, review_id, ASSESSMENT, by="edda")
        return review_id

    def drawn_up(self, **options: Any) -> tuple[ReviewCaseId, Document]:
        """A determination that waits for its signatures."""
        review_id = self.previewed(**options)
        for body in ("Agency one", "Agency two"):
            self.act(actions.consult, review_id, body, "No objection to the method.", by="anna")
        self.act(actions.reply, review_id, "We read it and have nothing to add.", by="dora")
        return review_id, self.act(actions.draw_up_determination, review_id, "undetermined", "The plan had too little power.", by="anna")

    def shared(self, **options: Any) -> ReviewCaseId:
        review_id, document = self.drawn_up(**options)
        assert self.sign(review_id, document, "anna", "axel")
        self.act(actions.share, review_id, by="axel")
        return review_id

    def wait(self, **time: float) -> datetime:
        self.clock.at += timedelta(**time)
        return self.clock.at

    def windows(self, review_id: str) -> list[Window]:
        return self.read(store.windows.list_of, review_id)

    def documents(self, review_id: str, kind: DocumentKind) -> list[Document]:
        return self.read(store.documents.list_of, review_id, kind)

    def join(self, review_id: str, name: str, part: Part, by: str = "anna") -> None:
        self.act(actions.name_participant, review_id, self.id(name), part, by=by)


def _proof(key: Ed25519PrivateKey, party: PartyId) -> bytes:
    return sign_payload(proof_of_key(party), key)


def sealed(table: Table, families: int) -> str:
    """A pack of one domain with so many families; they are one generator under many names, for nothing is run here."""
    suite = find_suite("finding_missing_check")
    items = [replace(suite.generate(7, number), family=f"family-{number}") for number in range(families)]
    keys = []
    with table.instance.database.write() as tx:
        for name in ("carl", "cleo"):
            public = X25519PrivateKey.generate().public_key().public_bytes_raw()
            keys.append(custody.register_key(tx, public, actor=table.id(name), now=table.clock.now()))
        return packs.seal_pack(
            tx, items, "Made up", keys, 2, actor=table.id("edda"), policy=table.instance.policy.benchmarks, now=table.clock.now()
        ).pack.id


def by(table: Table, name: str) -> Instance:
    return table.instance.acting_as(table.people[name])
