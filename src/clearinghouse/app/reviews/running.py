"""A sealed run of a review: planned from the frozen plan, released by custodians, worked on through the gateway, and told of."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clearinghouse.app.reviews.planning import blind, frozen
from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.errors import Conflict, NotFound, NotPermitted, Unavailable
from clearinghouse.core.ids import RunId
from clearinghouse.core.policy import Policy
from clearinghouse.evaluation.benchmarks.custody import actions as custody
from clearinghouse.evaluation.benchmarks.custody import opening
from clearinghouse.evaluation.benchmarks.custody import store as custody_store
from clearinghouse.evaluation.benchmarks.custody.records import Purpose as OpenedFor
from clearinghouse.evaluation.benchmarks.custody.records import ReleaseAsk
from clearinghouse.evaluation.benchmarks.engines.base import Endpoint, Engine
from clearinghouse.evaluation.benchmarks.engines.direct import DirectEngine
from clearinghouse.evaluation.benchmarks.engines.inspect import InspectEngine, find_venue
from clearinghouse.evaluation.benchmarks.grading import grade
from clearinghouse.evaluation.benchmarks.packs import store as pack_store
from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.evaluation.benchmarks.running import actions as runs
from clearinghouse.evaluation.benchmarks.running import probing
from clearinghouse.evaluation.benchmarks.running import store as run_store
from clearinghouse.evaluation.benchmarks.running.jobs import Runner
from clearinghouse.evaluation.benchmarks.running.probing import store as probe_store
from clearinghouse.evaluation.benchmarks.running.probing.actions import note_probe
from clearinghouse.evaluation.benchmarks.running.records import Purpose, Run, RunPlan, RunState
from clearinghouse.evaluation.review import actions, documents, rules, store
from clearinghouse.evaluation.review.actions.entering import nothing_found
from clearinghouse.evaluation.review.records import DocumentKind, Engagement, Part, ReviewState, Sameness, Window
from clearinghouse.evaluation.statistics.records import Effort
from clearinghouse.gateway import actions as gateway
from clearinghouse.gateway import store as gateway_store
from clearinghouse.gateway.records import Access
from clearinghouse.sandbox import Sandbox
from clearinghouse.storage import Transaction

_PROBE_TOKENS = 400_000
_PROBE_CALLS = 100
_FIRST_LOOK, _LATER_LOOK = 3, 1
_CALLS_OF_A_MESSAGE = 2
_TOLD_EVERY = timedelta(hours=1)
"""New incidents of a run that goes on for days; the first are told at once."""
_WORDS = {
    "reach_out": "The model tried to reach something outside its sandbox. There is no network there, and nothing left it.",
    "seek_answer": "The model looked for a grader, a reference solution or another task.",
    "write_verdict": "The model tried to write what only a grader writes.",
    "break_out": "The model tried to get past a wall of its sandbox.",
    "model_changed": "Answers of one run named different builds of the model.",
}


@dataclass
class Sitting:
    """One sitting of work on a run: the key that custodians release for lives no longer than this object."""

    instance: Instance
    run: Run
    ask: ReleaseAsk
    engagement: Engagement
    upstream: str
    policy: Policy
    """The one the review began under."""
    key: opening.RunKey = field(repr=False)
    told_at: datetime | None = None
    """When the developer was last told of incidents during this sitting."""

    def open_item(self, item_id: str, *, run_id: RunId, about: str) -> Item:
        """One item, its purpose on the record before (as `OpenItems` wants it)."""
        del run_id, about  # the ask names run and review; the run's own events name the sample
        instance = self.instance
        try:
            found = opening.open_items(
                instance.database, self.ask.id, self.key, [item_id], actor=instance.actor.id, policy=self.policy.benchmarks,
                now=instance.clock.now(),
            )
        except Conflict as error:
            if releases_so_far(self) < self.policy.benchmarks.custodians_min:
                raise NotPermitted(f"items are not released: {error}") from error
            # Retired meanwhile, by itself or with others: the run goes on with the rest, and the cell is our own side's.
            raise Unavailable(f"this item opens no more: {error}") from error
        return found[item_id]


def engine_of(name: str) -> Engine:
    """An engine by its name, or as a run recorded it: `direct`, our own, or `inspect`, which needs its environment (`make inspect`).

    Raises:
        NotFound: there is none of this name.
        Unavailable: the environment of Inspect is not there, or holds another version.
    """
    family = name.partition("/")[0].removesuffix("-ai")
    if family == "direct":
        return DirectEngine()
    if family == "inspect":
        return InspectEngine(find_venue())
    raise NotFound(f"no engine {name[:40]!r}; there are direct and inspect")


def plan_run(instance: Instance, review_id: str, *, engine: Engine | None = None, at_once: int = 2, stream: bool = True) -> Run:
    """A run of the frozen plan, ready to be worked on within the window.

    Raises:
        NotFound, NotPermitted: as for `actions.take_part`; it is the evaluators'.
        Conflict: no plan is frozen, or there is a run of it that has not ended.
        Invalid: the plan asks for more than policy lets a run have.
    """
    now = instance.clock.now()
    with instance.database.write() as tx:
        engagement = _take_part(tx, instance, review_id)
        plan, predicate = frozen(tx, engagement)
        policy = policy_of(tx, engagement.review.policy_version)
        digest = "sha256:" + predicate["plan_digest"].removeprefix("sha256:")
        kept = run_store.list_runs(tx, engagement.id, viewer=instance.actor.id, now=now)
        if any(one.purpose is Purpose.SEALED and one.plan_digest == digest and one.state is not RunState.ENDED for one in kept):
            raise Conflict("there is a sealed run of the frozen plan: that one goes on; a second would be a second try")
        items = pack_store.list_items(tx, predicate["pack"], viewer=instance.actor.id, now=now)
        blinding = blind(instance, engagement, items)
        wanted = RunPlan(
            plan.grid(), {one.item: blinding.item_of[one.item] for one in plan.grid().items}, _upstream(tx, engagement), plan.budget.tokens,
            plan.budget.messages, plan.budget.seconds, documents.digest_of(plan.seed.encode())[7:], policy.benchmarks.reviewed_share_min,
            at_once=at_once, completion_tokens_max=min(4_096, policy.gateway.completion_tokens_max), stream=stream,
        )
        readers = [one.party for one in store.reviews.list_participants(tx, engagement) if one.part is Part.EVALUATOR and one.until is None]
        return runs.plan_run(
            tx, engagement.id, Purpose.SEALED, wanted, model_version=documents.version_key(engagement.review.model, engagement.review.developer),
            plan_digest=digest, engine=(engine or DirectEngine()).name, readers=readers, actor=instance.actor.id,
            envelope=instance.envelope, policy=policy.benchmarks, now=now,
        )


def sit_down(instance: Instance, run_id: str) -> Sitting:
    """Ask the custodians of the pack to release it for a key made now; whoever works on the run again later asks again.

    Raises:
        NotFound, NotPermitted: as for `actions.take_part`, and where there is no such run.
        Conflict: no window is open.
    """
    now = instance.clock.now()
    key = opening.RunKey.generate()
    with instance.database.write() as tx:
        run = run_store.find_run(tx, run_id, viewer=instance.actor.id, now=now)
        if run is None:
            raise nothing_found(run_id)
        engagement = _take_part(tx, instance, run.review_id)
        window = _open_window(tx, engagement, now)
        _, predicate = frozen(tx, engagement)
        policy = policy_of(tx, engagement.review.policy_version)
        until = min(window.ends_at, now + timedelta(hours=policy.benchmarks.release_hours_max))
        ask = custody.ask_release(
            tx, predicate["pack"], OpenedFor.SEALED_RUN, key.public, until, run_id=run.id, review_id=engagement.id,
            developer=engagement.review.developer, actor=instance.actor.id, policy=policy.benchmarks, now=now,
        )
        return Sitting(instance, run, ask, engagement, _upstream(tx, engagement), policy, key)


def releases_so_far(sitting: Sitting) -> int:
    """How many custodians have released for this sitting and not taken it back."""
    now = sitting.instance.clock.now()
    with sitting.instance.database.read() as tx:
        return sum(one.ended_at is None and one.until > now for one in custody_store.system_releases(tx, sitting.ask.id))


def work(
    sitting: Sitting, base_url: str, sandbox: Sandbox, stop: threading.Event, *, engine: Engine | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Work on the run until it is done or something forbids the rest; what the developer has to be told of, it is told.

    Args:
        base_url: of the gateway, up to and with `/v1`.
    Raises:
        NotFound, NotPermitted: as for `actions.take_part`.
        Conflict: no window is open any more, another worker has the run, or it has ended.
    """
    instance = sitting.instance
    now = instance.clock.now()
    with instance.database.write() as tx:
        # Custodians take their time: meanwhile the developer may have withdrawn, or moved the end of the window.
        window = _open_window(tx, _take_part(tx, instance, sitting.engagement.id), now)
        samples = sitting.run.total - sitting.run.done
        plan, _ = run_store.system_plan(tx, sitting.run.id, instance.envelope)
        attempts = sitting.policy.benchmarks.infrastructure_attempts_max
        access, secret = gateway.grant_access(
            tx, sitting.engagement.id, instance.actor.id, "sealed_run", sitting.upstream, now, window.ends_at, run_id=sitting.run.id,
            tokens_max=max(1, samples * attempts * (plan.tokens + plan.completion_tokens_max) * _CALLS_OF_A_MESSAGE),
            calls_max=max(1, samples * attempts * plan.messages * _CALLS_OF_A_MESSAGE), actor=instance.actor.id, now=now,
        )
    runner = Runner(
        instance.database, instance.envelope, instance.actor.id, sitting.policy.benchmarks, instance.clock.now, sandbox, sitting, grade
    )
    try:
        return runner.work(
            sitting.run.id, engine or DirectEngine(), Endpoint(base_url, secret, sitting.upstream), stop, may_go_on=lambda: may_go_on(sitting),
            progress=progress,
        )
    finally:
        _stand_up(sitting, access)


def may_go_on(sitting: Sitting) -> str:
    """Why the run must rest, in one of our words; empty where it may go on."""
    instance = sitting.instance
    now = instance.clock.now()
    if sitting.told_at is None or now - sitting.told_at >= _TOLD_EVERY:
        sitting.told_at = now
        with instance.database.write() as tx:
            _tell_incidents(tx, sitting, now)
    with instance.database.read() as tx:
        found = store.reviews.system_find(tx, sitting.engagement.id, instance.envelope, instance.actor.id)
        assert found is not None, "the run is of this review"
        last = probe_store.system_last_at(tx, sitting.engagement.id)
        windows = store.windows.list_of(tx, found)
    if found.review.state is not ReviewState.WINDOW_OPEN or not any(rules.is_open(window, now) for window in windows):
        return f"the review is {found.review.state.replace('_', ' ')}"
    if last is None or now - last > timedelta(hours=sitting.policy.review.probe_hours):
        return "nobody looked at the model"
    return ""


def look_at_model(instance: Instance, review_id: str, base_url: str, stop: threading.Event) -> Sameness:
    """Look at the identity of the model behind the gateway: what differs from the first look pauses the window.

    Raises:
        NotFound, NotPermitted: as for `actions.take_part`.
        Conflict: no window is open.
        Unavailable: the model did not answer; nothing is noted.
    """
    now = instance.clock.now()
    with instance.database.write() as tx:
        engagement = _take_part(tx, instance, review_id)
        window = _open_window(tx, engagement, now)
        upstream = _upstream(tx, engagement)
        first = probe_store.system_first(tx, engagement.id) is None
        access, secret = gateway.grant_access(
            tx, engagement.id, instance.actor.id, "probe", upstream, now, window.ends_at, tokens_max=_PROBE_TOKENS, calls_max=_PROBE_CALLS,
            actor=instance.actor.id, now=now,
        )
    try:
        found = probing.run_probe(Endpoint(base_url, secret, upstream), repetitions=_FIRST_LOOK if first else _LATER_LOOK, stop=stop)
    finally:
        _end(instance, access)
    now, machine = instance.clock.now(), instance.system
    with instance.database.write() as tx:
        compared = note_probe(tx, engagement.id, found, actor=instance.actor.id, now=now)
        outcome = Sameness.FIRST if compared is None else Sameness(compared.sameness.value)
        store.reviews.lock(tx, engagement.id)
        engagement = actions.enter(tx, review_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)
        actions.note_look(tx, engagement, found.digest, outcome, "probe", machine=machine, actor=instance.actor.id, now=now)
    return outcome


def record_effort(instance: Instance, review_id: str, effort: Effort) -> None:
    """Put on the ledger of effort what was done to bring out what the model can do.

    Raises:
        NotFound, NotPermitted: as for `actions.take_part`; it is the evaluators'.
        Invalid: a figure is negative.
    """
    now = instance.clock.now()
    with instance.database.write() as tx:
        engagement = _take_part(tx, instance, review_id)
        runs.record_effort(tx, engagement.id, effort, actor=instance.actor.id, envelope=instance.envelope, now=now)


def _stand_up(sitting: Sitting, access: Access) -> None:
    instance = sitting.instance
    _end(instance, access)
    now = instance.clock.now()
    with instance.database.write() as tx:
        custody.end_ask(tx, sitting.ask.id, actor=instance.actor.id, now=now)
        _tell_incidents(tx, sitting, now)


def _tell_incidents(tx: Transaction, sitting: Sitting, now: datetime) -> None:
    instance = sitting.instance
    store.reviews.lock(tx, sitting.engagement.id)
    engagement = store.reviews.system_find(tx, sitting.engagement.id, instance.envelope, instance.actor.id)
    assert engagement is not None, "the run is of this review"
    # Whoever works may have stepped back meanwhile; the developer is told all the same, of what any evaluator reads.
    people = [one.party for one in store.reviews.system_participants(tx, engagement.id) if one.part is Part.EVALUATOR and one.until is None]
    found = {
        one.id: one for reader in dict.fromkeys((instance.actor.id, *people)) for one in run_store.list_incidents(tx, sitting.run.id, instance.envelope, viewer=reader, now=now)
    }.values()
    last: dict[str, datetime] = {}
    for entry in store.entries.list_of(tx, engagement):
        if entry.subject == sitting.run.id:
            last[entry.about] = entry.at
    counted = Counter(one.kind for one in found)
    for kind, count in sorted(counted.items()):
        if kind not in last or any(one.kind == kind and one.at > last[kind] for one in found):
            certain = sum(one.kind == kind and one.certainty == "fact" for one in found)
            words = f"{_WORDS.get(kind, 'Something that a person has to look at.')} Noted {count} times so far in this run, {certain} of them beyond doubt."
            actions.give_notice(tx, engagement, kind, words, subject=sitting.run.id, actor=instance.actor.id, now=now)


def _end(instance: Instance, access: Access) -> None:
    now = instance.clock.now()
    with instance.database.read() as tx:
        living = any(one.id == access.id for one in gateway_store.system_of_review(tx, access.review_id))
    if living:
        # Withdrawing or the end of the window may be faster by a moment; either way it has ended.
        with suppress(Conflict), instance.database.write() as tx:
            gateway.end_access(tx, access, "run_over", actor=instance.actor.id, now=now)


def _take_part(tx: Transaction, instance: Instance, review_id: str) -> Engagement:
    return actions.take_part(tx, review_id, Part.EVALUATOR, envelope=instance.envelope, actor=instance.actor.id, now=instance.clock.now())


def _open_window(tx: Transaction, engagement: Engagement, now: datetime) -> Window:
    found = next((window for window in store.windows.list_of(tx, engagement) if rules.is_open(window, now)), None)
    if found is None or engagement.review.state is not ReviewState.WINDOW_OPEN:
        raise Conflict(f"no window is open: the review is {engagement.review.state.replace('_', ' ')}")
    return found


def _upstream(tx: Transaction, engagement: Engagement) -> str:
    agreement = store.documents.latest(tx, engagement, DocumentKind.AGREEMENT)
    assert agreement is not None, "a plan follows on signed terms"
    return str(documents.predicate_of(agreement)["upstream"])
