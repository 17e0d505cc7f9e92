"""A whole engagement on one machine, with a scripted model: from the developer's draft to the destruction of the materials.

Nobody here is a model: a small program plays one. The plan is a rehearsal, as every plan over the shipped suite must be, so the people in it can
sign no other word than `undetermined`.
"""

import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from clearinghouse.app.gateway import running_gateway, with_settings
from clearinghouse.app.gateway_settings import GatewaySettings
from clearinghouse.app.process import sign_checkpoint
from clearinghouse.app.reviews import analysing, deeds, opening, planning, running
from clearinghouse.app.settings import Settings, default_url
from clearinghouse.app.wiring import Instance, create_instance
from clearinghouse.core.clock import Clock
from clearinghouse.core.errors import Conflict, Invalid
from clearinghouse.core.ids import PartyId
from clearinghouse.core.roles import Role
from clearinghouse.evaluation.benchmarks.custody import actions as custody
from clearinghouse.evaluation.benchmarks.custody import store as custody_store
from clearinghouse.evaluation.benchmarks.packs import actions as packs
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.evaluation.benchmarks.running.records import Run
from clearinghouse.evaluation.benchmarks.solvers import make_solver, serve_solver
from clearinghouse.evaluation.benchmarks.suites import SUITES
from clearinghouse.evaluation.review import store
from clearinghouse.evaluation.review.actions.agreeing import proof_of_key
from clearinghouse.evaluation.review.records import DocumentKind, ReviewKind
from clearinghouse.evaluation.statistics.plan import EffortFloor, plan_bytes
from clearinghouse.evaluation.statistics.records import Effort
from clearinghouse.evaluation.statistics.report import Analysis
from clearinghouse.gateway.providers.base import UpstreamSettings
from clearinghouse.ledger.dsse import sign_payload
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import Party, PartyKind
from clearinghouse.sandbox import Sandbox, open_sandbox

_MARKER = "THIS IS A DEMONSTRATION"
_UPSTREAM = "model"
_TERMS = """\
purpose = "Measure what the model can do against sealed cyber benchmarks."
environment = "The desk's own machine: tools in a sandbox without a network, the model behind the gateway."
access_level = "AL1"
upstream = "model"
window_hours = 48
persons = ["Edda Evaluator"]
transcripts_retained_days = 30
prompts_retained_by_developer = false
logging = "Counts and keyed digests of each call; no text at the gateway."
output_handling = "Sealed under keys of the engagement, destroyed on their day."
assessment_to = "The developer's people in this review."
plan_shown = true
publication = "Counts of windows alone, small ones left out."
legal_basis = "A voluntary agreement of both organisations."
"""
PEOPLE: Mapping[str, tuple[str, Role]] = {
    "Dora Developer": ("Example Lab", Role.DEVELOPER), "Edda Evaluator": ("", Role.EVALUATOR), "Anna Authority": ("", Role.AUTHORITY),
    "Axel Authority": ("", Role.AUTHORITY), "Cara Custodian": ("", Role.CUSTODIAN), "Carl Custodian": ("", Role.CUSTODIAN),
    "Cleo Custodian": ("", Role.CUSTODIAN), "Otto Overseer": ("", Role.OVERSEER),
}


@dataclass
class Stage:
    """Who takes part, with their keys, and what has been said so far."""

    instance: Instance
    say: Callable[[str], None]
    people: dict[str, Party] = field(default_factory=dict)
    signing: dict[str, Ed25519PrivateKey] = field(default_factory=dict, repr=False)
    boxes: dict[str, X25519PrivateKey] = field(default_factory=dict, repr=False)

    def by(self, name: str) -> Instance:
        """The instance as one of them sees it."""
        return self.instance.acting_as(self.people[name])

    def do(self, name: str, review_id: str, deed: str, /, **words: str) -> object:
        """A deed of one of them."""
        return deeds.perform(self.by(name), review_id, deed, words)[1]

    def sign(self, name: str, review_id: str, kind: DocumentKind) -> None:
        """A signature of one of them under the newest document of a kind."""
        instance = self.by(name)
        engagement = deeds.find(instance, review_id)
        with instance.read() as tx:
            found = store.documents.latest(tx, engagement, kind)
        assert found is not None, "it was just drawn up"
        self.do(name, review_id, "sign", document=found.id, signature=sign_payload(found.payload, self.signing[name]).hex())


@dataclass(frozen=True)
class Played:
    """What the demonstration came to."""

    instance: Instance
    review_id: str
    run: Run
    analysis: Analysis
    record: dict[str, Any]
    evaluator: PartyId
    digest: str
    """Of the signed determination."""
    keys: tuple[str, ...]
    """Public keys of those who signed it, in hexadecimal."""
    envelope: Path
    canaries: tuple[str, ...] = field(repr=False)
    """Of the items that were sealed: nothing outside of the seal holds one."""


def play(
    home: Path, *, solver: str = "pattern", items_per_family: int = 2, epochs: int = 2, clock: Clock | None = None,
    say: Callable[[str], None] = lambda line: None, progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Played:
    """The whole path, in a folder of its own.

    Raises:
        Conflict: the folder holds something else than an earlier demonstration.
        Unavailable: this machine has no sandbox.
        NotFound: there is no such solver.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / _MARKER).exists():
            raise Conflict(f"{home} is in use by something else; name another CLEARINGHOUSE_HOME")
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARKER).touch()
    settings = Settings(home, default_url(home), "demo.example/log", home / "witness" / "checkpoint", "")
    with ExitStack() as stack:
        sandbox = stack.enter_context(open_sandbox(settings.sandbox))
        instance = create_instance(settings, organisation="Demonstration Desk", person="Operator", clock=clock)
        stage = _people(instance, say)
        items, pack_id = _sealed(stage, items_per_family)
        played = stack.enter_context(serve_solver(make_solver(solver, items, "demo"), model="scripted"))
        upstream = UpstreamSettings(_UPSTREAM, "openai", played.url, played.model)
        stage.instance = with_settings(instance, GatewaySettings("127.0.0.1", 0, None, home / "gateway" / "journal.db", upstreams=(upstream,)))
        gateway = stack.enter_context(running_gateway(stage.instance))
        say("The gateway serves: a call is on a durable record before it is forwarded, and no byte leaves it past the end of an access.")
        review_id = _agreed(stage)
        _plan(stage, review_id, pack_id, epochs)
        stage.do("Edda Evaluator", review_id, "open-window")
        say("The window is open: 48 hours at most, and every access ends with it by itself.")
        run = _run(stage, review_id, f"{gateway.address}/v1", sandbox, progress)
        analysis, record = _analysed(stage, review_id)
    digest, envelope = _determined(stage, review_id, home)
    _ended(stage, review_id)
    sign_checkpoint(stage.instance)
    signers = tuple(stage.signing[name].public_key().public_bytes_raw().hex() for name in ("Anna Authority", "Axel Authority"))
    return Played(stage.instance, review_id, run, analysis, record, stage.people["Edda Evaluator"].id, digest, signers, envelope, tuple(item.canary for item in items))


def _people(instance: Instance, say: Callable[[str], None]) -> Stage:
    stage = Stage(instance, say)
    with instance.database.write() as tx:
        now, actor = instance.clock.now(), instance.actor
        assert actor.organisation is not None, "the founding person belongs to the founding organisation"
        houses = {"": actor.organisation}
        for name, (house, role) in PEOPLE.items():
            if house not in houses:
                houses[house] = parties.add_party(tx, PartyKind.ORGANISATION, house, frozenset(), actor=actor.id, now=now).id
            stage.people[name] = parties.add_party(
                tx, PartyKind.PERSON, name, frozenset({role}), organisation=houses[house], actor=actor.id, now=now
            )
            if role is Role.CUSTODIAN:
                key = stage.boxes[name] = X25519PrivateKey.generate()
                custody.register_key(tx, key.public_key().public_bytes_raw(), actor=stage.people[name].id, now=now)
    for name in PEOPLE:
        signer = stage.signing[name] = Ed25519PrivateKey.generate()
        proof = sign_payload(proof_of_key(stage.people[name].id), signer)
        opening.register_key(stage.by(name), signer.public_key().public_bytes_raw(), proof)
    say("A developer, two evaluating authorities, an evaluator, three custodians and an overseer, each with keys of their own.")
    return stage


def _sealed(stage: Stage, items_per_family: int) -> tuple[list[Item], str]:
    seed = secrets.randbits(48)
    items = [suite.generate(seed, number) for suite in SUITES for number in range(items_per_family)]
    instance = stage.by("Edda Evaluator")
    with instance.database.write() as tx:
        now = instance.clock.now()
        keys = list(custody_store.live_keys(tx, [stage.people[name].id for name in stage.boxes]).values())
        made = packs.seal_pack(
            tx, items, "Shipped suite", keys, instance.policy.benchmarks.custodians_min, actor=instance.actor.id,
            policy=instance.policy.benchmarks, now=now,
        )
    stage.say(f"{len(items)} items of {len(SUITES)} families sealed one by one; any two of three custodians open them together, for a stated purpose.")
    return items, made.pack.id


def _agreed(stage: Stage) -> str:
    developer = stage.by("Dora Developer")
    release = developer.clock.now() + timedelta(days=60)
    asked = opening.Asked(
        ReviewKind.ACCESS, "Example", "1.0", "Please measure it before we let partners in.", build_digest="sha256:" + "ab" * 32,
        partner_release_at=release, desk=str(stage.instance.actor.organisation),
    )
    review_id = opening.open_review(developer, asked).id
    stage.do("Dora Developer", review_id, "submit")
    stage.do("Anna Authority", review_id, "draft-agreement", document=_TERMS)
    for name in ("Dora Developer", "Anna Authority"):
        stage.sign(name, review_id, DocumentKind.AGREEMENT)
    stage.say("Submitted, and both sides signed the terms with keys that never left them.")
    return review_id


def _plan(stage: Stage, review_id: str, pack_id: str, epochs: int) -> None:
    instance = stage.by("Edda Evaluator")
    choices = planning.Choices(0.5, 0.65, epochs, tokens=60_000, messages=30, seconds=120.0, effort=EffortFloor(1, 2, 4, 10_000, 0.5))
    plan = planning.propose_plan(instance, review_id, pack_id, choices)
    try:
        planning.freeze_plan(instance, review_id, pack_id, plan_bytes(plan))
    except Invalid as refused:
        stage.say(f"As a plan that supports a determination the desk refuses it: {refused}.")
    planning.freeze_plan(instance, review_id, pack_id, plan_bytes(plan), rehearsal=True)
    stage.say("Frozen as a rehearsal: threshold, errors, order and budgets are on the ledger before anybody sees a result.")
    running.record_effort(instance, review_id, Effort(1, 3, 6, 20_000, 1.0, ("bash",)))


def _run(stage: Stage, review_id: str, base_url: str, sandbox: Sandbox, progress: Callable[[str, int, int], None]) -> Run:
    instance, stop = stage.by("Edda Evaluator"), threading.Event()
    seen = running.look_at_model(instance, review_id, base_url, stop)
    stage.say(f"A first look at the model's identity: {seen}. Later looks are held against it.")
    run = running.plan_run(instance, review_id)
    sitting = running.sit_down(instance, run.id)
    for name in list(stage.boxes)[:2]:
        _release(stage.by(name), sitting, stage.boxes[name])
    stage.say(f"{running.releases_so_far(sitting)} custodians released the pack for this run and no other.")
    done = running.work(sitting, base_url, sandbox, stop, progress=lambda at, total: progress("sealed run", at, total))
    stage.say(f"{done.done} of {done.total} samples ended, each graded outside of the model's reach, its transcript sealed.")
    stage.do("Edda Evaluator", review_id, "end-window", reason="The run is done.")
    return done


def _release(instance: Instance, sitting: running.Sitting, key: X25519PrivateKey) -> None:
    now = instance.clock.now()
    with instance.database.write() as tx:
        share = pack_store.find_share(tx, sitting.ask.pack_id, viewer=instance.actor.id, now=now)
        assert share is not None, "a custodian of this pack holds a share"
        custody.release_share(tx, sitting.ask.id, custody.reseal(share, sitting.ask, key), sitting.ask.until, actor=instance.actor.id, now=now)


def _analysed(stage: Stage, review_id: str) -> tuple[Analysis, dict[str, Any]]:
    instance = stage.by("Edda Evaluator")
    analysis, digest = analysing.analyse(instance, review_id)
    stage.say(f"Analysed by the frozen plan: {analysis.outcome.value.replace('_', ' ')}. Another program computes every number again from record {digest[:19]}…")
    engagement = deeds.find(instance, review_id)
    with instance.read() as tx:
        record = analysing.read_record(tx, engagement)
    analysing.assess(instance, review_id)
    return analysis, record


def _determined(stage: Stage, review_id: str, home: Path) -> tuple[str, Path]:
    stage.do("Dora Developer", review_id, "reply", words="We read the assessment. The refusals in it were intended.")
    for body in ("Agency for Examples", "Office of Illustrations"):
        stage.do("Anna Authority", review_id, "consult", body=body, words="No objection to the method; no view on the model.")
    reasons = "The shipped suite exercises the machinery and supports no other word."
    try:
        stage.do("Anna Authority", review_id, "determine", word="covered", reasons=reasons)
    except Conflict as refused:
        stage.say(f"A word the plan does not support is refused: {refused}.")
    document = stage.do("Anna Authority", review_id, "determine", word="undetermined", reasons=reasons)
    for name in ("Anna Authority", "Axel Authority"):
        stage.sign(name, review_id, DocumentKind.DETERMINATION)
    stage.do("Axel Authority", review_id, "share")
    instance = stage.by("Dora Developer")
    found = opening.statement_file(instance, deeds.find(instance, review_id), document.id)  # type: ignore[attr-defined]
    path = home / found.name
    path.write_bytes(found.body)
    stage.say("Two people signed the determination, and it was shared with the developer; public tools verify it without this software.")
    return document.digest, path  # type: ignore[attr-defined]


def _ended(stage: Stage, review_id: str) -> None:
    ends = stage.instance.clock.now() + timedelta(days=90)
    partner = stage.do(
        "Dora Developer", review_id, "propose-partner", name="Valley Hospital", sector="health", tier="defender", terms="Own systems only.",
        why="A small operator that defends itself.", tokens="1000000", ends=ends.isoformat(), small="yes",
    )
    for name in ("Dora Developer", "Anna Authority"):
        stage.do(name, review_id, "vote", partner=partner.id, vote="yes", reason="It needs it, and can use it well.")  # type: ignore[attr-defined]
    stage.do("Edda Evaluator", review_id, "destroy", how="There are no copies outside of this instance.")
    stage.sign("Anna Authority", review_id, DocumentKind.DESTRUCTION)
    stage.do("Anna Authority", review_id, "close")
    stage.say("A trusted partner chosen by both sides; transcripts and analysis record destroyed and certified; the review is closed.")
