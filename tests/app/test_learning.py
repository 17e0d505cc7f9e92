"""Learning on a whole instance: what people decide becomes a correction, and a newer model moves nothing that they touched."""

import itertools
import json

import numpy as np
import pytest

from clearinghouse.app import process
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted
from clearinghouse.core.ids import new_id
from clearinghouse.disclosure.coordination.embargo.store import embargoes
from clearinghouse.disclosure.deconfliction import actions, store
from clearinghouse.disclosure.deconfliction.correction import FEATURES_USED, Correction
from clearinghouse.disclosure.deconfliction.learning import actions as learning
from clearinghouse.disclosure.deconfliction.learning import store as learned
from clearinghouse.disclosure.deconfliction.learning.learner import NO_EFFECT
from clearinghouse.disclosure.deconfliction.learning.records import ProposalKind, ProposalState, Version, VersionState
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Cover, Report
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger.store import count_events
from party_factories import add
from room_cast import Cast

_TELLINGS = (
    ("Out-of-bounds write when {0} meets {1}", "A {0} whose {1} is longer than the {2} overwrites memory behind the {2} in the {m} reader.", "CWE-787"),
    ("{m}: memory corruption through {1}", "The {m} reader copies the {1} of a {3} without looking at the {2}; a crafted {3} crashes it.", "CWE-122"),
    ("Crafted {3} crashes the reader of {m}", "The loop over the {2} is bounded by the {3} and not by what was allocated for its {0}.", "CWE-787"),
)
_THINGS = ("ledgerline", "stanza", "trailer", "palette", "glyphset", "manifest", "cue", "tileset", "waypoint", "channelmap", "keyframe", "notch", "rubric", "sprite",
           "codebook", "gutter", "lintel", "vertexfan", "swatch", "tally")
_MODULES = ("alder", "birch", "cedar", "damson", "elder", "fir", "gorse", "hazel", "iris", "juniper", "larch", "maple",
            "nettle", "oak", "privet", "quince", "rowan", "sorrel", "thorn", "umbel", "viburnum", "willow", "yarrow", "zinnia")


def take_in(instance: Instance, modules: tuple[str, ...] = _MODULES) -> None:
    """Three reports of one flaw for each module, in words that flaws share with their neighbours; settled."""
    path = instance.settings.home / "flood.ndjson"
    lines = []
    for place, module in enumerate(modules):
        things = [_THINGS[(place + step) % len(_THINGS)] for step in range(4)]
        for at, (title, text, weakness) in enumerate(_TELLINGS):
            lines.append(json.dumps({
                "id": f"{module}-{at}", "title": title.format(*things, m=module), "description": text.format(*things, m=module),
                "products": ["libarbor"], "cwe": [weakness],
            }))
    path.write_text("\n".join(lines) + "\n")
    list(process.take_in(instance, [("flood.ndjson", path)], cover=Cover()))
    process.deconflict(instance, settle=True)


def named(instance: Instance) -> dict[str, Report]:
    with instance.database.read() as tx:
        found = intake.list_reports(tx, instance.envelope, viewer=instance.actor.id, now=instance.clock.now(), newest=1000)
    return {str(dict(report.finding.extra)["id"]): report for report in found}


def clusters(instance: Instance) -> set[frozenset[str]]:
    names = {report.number: name for name, report in named(instance).items()}
    found: dict[int, set[str]] = {}
    with instance.database.read() as tx:
        for number, cluster in store.cluster_of_each(tx):
            found.setdefault(cluster, set()).add(names[number])
    return {frozenset(group) for group in found.values()}


def decide(instance: Instance, kind: DecisionKind, *names: str) -> actions.Decided:
    reports = named(instance)
    with instance.database.write() as tx:
        return actions.decide(
            tx, kind, [reports[name] for name in names], "read both", actor=instance.actor.id, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=instance.clock.now(),
        )


def put_in_force(instance: Instance, intercept: float) -> Version:
    """A correction that moves every pair by so many log-odds: as different as a newer model can be."""
    model = process.matching(instance).scorer.digest
    weights = np.zeros(2 + len(FEATURES_USED))
    weights[0] = intercept
    ones = np.ones(len(FEATURES_USED))
    correction = Correction(model, weights, 0 * ones, ones, 9.0, 60, 0.5, 0.4, 9, 8)
    now = instance.clock.now()
    version = Version(new_id("cor"), correction, NO_EFFECT, 30, 3, 0, now, VersionState.PROPOSED, now, instance.actor.id)
    with instance.database.write() as tx:
        learned.add_version(tx, version)
        from clearinghouse.core.events import Event

        ledger.record(tx, Event("CorrectionFitted", (version.id,)), actor=instance.actor.id, now=now)
        learning.adopt(tx, version.id, model, actor=instance.actor.id, now=now)
    return version


def versions(instance: Instance) -> list[Version]:
    with instance.database.read() as tx:
        return learned.list_versions(tx)


def events(instance: Instance, kind: str) -> int:
    with instance.database.read() as tx:
        return count_events(tx).get(kind, 0)


def habit(instance: Instance) -> None:
    """Decisions of one habit: all three tellings are one flaw, neighbours never are, however alike they sound."""
    for module in _MODULES:
        decide(instance, DecisionKind.MERGE, f"{module}-0", f"{module}-1")
    for one, other in itertools.pairwise(_MODULES):
        for at in range(3):
            decide(instance, DecisionKind.NOT_SAME, f"{one}-{at}", f"{other}-0", f"{other}-1", f"{other}-2")


def test_decisions_become_a_version_that_changes_nothing_before_it_is_adopted(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance)
    habit(instance)
    process.deconflict(instance, settle=True)
    (version,) = versions(instance)
    assert (version.state, version.correction.loss_after < version.correction.loss_before) == (VersionState.PROPOSED, True)
    assert version.correction.pairs >= instance.policy.learning.decided_min
    assert version.effect.judged > 0
    assert events(instance, "CorrectionFitted") == 1
    before, model = clusters(instance), process.matching(instance)
    with instance.database.read() as tx:
        assert model.model(tx).digest == model.scorer.digest
    process.deconflict(instance, settle=True)
    assert (clusters(instance), len(versions(instance))) == (before, 1)

    with instance.database.write() as tx:
        learning.adopt(tx, version.id, model.scorer.digest, actor=instance.actor.id, now=instance.clock.now())
    with instance.database.read() as tx:
        assert process.matching(instance).model(tx).digest != model.scorer.digest
    with instance.database.write() as tx:
        learning.retire(tx, version.id, actor=instance.actor.id, now=instance.clock.now())
    process.deconflict(instance, settle=True)
    assert clusters(instance) == before


def test_decisions_under_embargo_teach_nothing(sqlite_instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = sqlite_instance
    take_in(instance)
    habit(instance)
    held = {report.number for report in named(instance).values()}
    monkeypatch.setattr(process, "under_embargo", lambda tx: held)
    process.deconflict(instance, settle=True)
    assert versions(instance) == []
    monkeypatch.undo()
    process.deconflict(instance, settle=True)
    assert len(versions(instance)) == 1


def test_a_report_is_closed_to_learning_from_the_proposal_of_an_embargo_to_its_end(instance: Instance) -> None:
    from clearinghouse.app.learning import taken_up, under_embargo
    from clearinghouse.disclosure.coordination.embargo.records import EmbargoState

    take_in(instance, ("alder",))
    report = named(instance)["alder-0"]
    case_id = Cast(instance).open(report.id)
    found = []
    for state in (None, EmbargoState.PROPOSED, EmbargoState.ACTIVE, EmbargoState.REVISE, EmbargoState.EXITED):
        with instance.database.write() as tx:
            if state is not None:
                from clearinghouse.core.events import Event

                embargo = embargoes.begin(tx, case_id)
                embargoes.change_state(tx, embargo, state)
                ledger.record(tx, Event("Tested", (case_id,)), actor=instance.actor.id, now=instance.clock.now())
        with instance.database.read() as tx:
            found.append((report.number in under_embargo(tx), set(taken_up(tx))))
    assert found == [(closed, {report.number}) for closed in (False, True, True, True, False)]


def test_a_newer_model_parts_nothing_that_people_touched_and_proposes_it_instead(instance: Instance) -> None:
    take_in(instance, ("alder", "birch"))
    before = clusters(instance)
    alder = next(group for group in before if "alder-0" in group)
    assert len(alder) > 1, "the model has something to part"
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    after = clusters(instance)
    assert alder in after
    assert {group for group in before if "birch-0" in group} <= after
    with instance.database.read() as tx:
        waiting = learned.open_proposals(tx)
    assert {one.difference.kind for one in waiting} == {ProposalKind.PART}
    assert all(one.probability_after < one.probability_before and one.model_before != one.model_after for one in waiting)
    process.deconflict(instance, settle=True)
    assert clusters(instance) == after, "what waits holds in the next settling too"

    first = waiting[0]
    with instance.database.write() as tx:
        done = learning.answer(
            tx, first.id, accept=True, reason="they are two", actor=instance.actor.id, envelope=instance.envelope,
            thresholds=instance.policy.deconfliction, now=instance.clock.now(),
        )
    names = {report.number: name for name, report in named(instance).items()}
    leaving, staying = (frozenset(names[number] for number in group) for group in first.difference.groups)
    assert not any(leaving & group and staying & group for group in clusters(instance))
    with instance.database.write() as tx:
        actions.undo(tx, done.id, actor=instance.actor.id, envelope=instance.envelope, thresholds=instance.policy.deconfliction, now=instance.clock.now())
        with pytest.raises(NotFound):
            learning.answer(
                tx, first.id, accept=True, reason="again", actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=instance.clock.now(),
            )
    with instance.database.read() as tx:
        kept = learned.find_proposal(tx, first.id)
    assert kept is not None
    assert (kept.state, kept.decision) == (ProposalState.ACCEPTED, done.id)


def test_a_newer_model_joins_nothing_that_people_touched_and_a_dismissal_holds(instance: Instance) -> None:
    take_in(instance, ("alder", "birch", "cedar"))
    before = clusters(instance)
    decide(instance, DecisionKind.NOT_SAME, "cedar-0", "birch-0")
    put_in_force(instance, 9.0)
    process.deconflict(instance, settle=True)
    assert clusters(instance) == before
    with instance.database.read() as tx:
        waiting = learned.open_proposals(tx)
    assert {one.difference.kind for one in waiting} == {ProposalKind.JOIN}
    for one in waiting:
        with instance.database.write() as tx:
            learning.answer(
                tx, one.id, accept=False, reason="siblings", actor=instance.actor.id, envelope=instance.envelope,
                thresholds=instance.policy.deconfliction, now=instance.clock.now(),
            )
    process.deconflict(instance, settle=True)
    assert clusters(instance) == before
    with instance.database.read() as tx:
        assert learned.open_proposals(tx) == []


def test_proposals_nobody_answered_go_with_the_model_that_made_them(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance, ("alder", "birch"))
    before = clusters(instance)
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    version = put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    with instance.database.read() as tx:
        waiting = learned.open_proposals(tx)
    assert waiting
    with instance.database.write() as tx:
        learning.retire(tx, version.id, actor=instance.actor.id, now=instance.clock.now())
    process.deconflict(instance, settle=True)
    with instance.database.read() as tx:
        states = {kept.state for one in waiting if (kept := learned.find_proposal(tx, one.id)) is not None}
        assert (states, learned.open_proposals(tx)) == ({ProposalState.OVERTAKEN}, [])
    assert clusters(instance) == before


def test_what_nobody_touched_follows_the_newer_model(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance, ("alder", "birch"))
    before = clusters(instance)
    put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    assert len(clusters(instance)) > len(before)
    with instance.database.read() as tx:
        assert learned.open_proposals(tx) == []


def test_who_may_not_decide_may_not_answer_adopt_or_retire(instance: Instance) -> None:
    take_in(instance, ("alder", "birch"))
    decide(instance, DecisionKind.NOT_SAME, "alder-0", "birch-0")
    version = put_in_force(instance, -9.0)
    process.deconflict(instance, settle=True)
    model, now = process.matching(instance).scorer.digest, instance.clock.now()
    with instance.database.read() as tx:
        proposal = learned.open_proposals(tx)[0]
    from clearinghouse.core.roles import Role

    reporter, coordinator = add(instance, "Reporter", Role.REPORTER), add(instance, "Colleague", Role.COORDINATOR)

    def answering(actor: str, reason: str = "so") -> None:
        with instance.database.write() as tx:
            learning.answer(
                tx, proposal.id, accept=True, reason=reason, actor=actor, envelope=instance.envelope,  # type: ignore[arg-type]
                thresholds=instance.policy.deconfliction, now=now,
            )

    with pytest.raises(NotPermitted):
        answering(reporter.id)
    with pytest.raises(NotFound):
        answering(coordinator.id)
    with pytest.raises(Invalid, match="reason"):
        answering(instance.actor.id, " ")
    with pytest.raises(NotPermitted), instance.database.write() as tx:
        learning.retire(tx, version.id, actor=reporter.id, now=now)
    with pytest.raises(Conflict, match="in force already"), instance.database.write() as tx:
        learning.adopt(tx, version.id, model, actor=instance.actor.id, now=now)
    with pytest.raises(Conflict, match="corrects the model"), instance.database.write() as tx:
        learning.retire(tx, version.id, actor=instance.actor.id, now=now)
        learning.adopt(tx, version.id, "sha256:" + "0" * 64, actor=instance.actor.id, now=now)
    with pytest.raises(NotFound), instance.database.write() as tx:
        learning.adopt(tx, new_id("cor"), model, actor=instance.actor.id, now=now)


def test_evidence_says_what_was_learned(sqlite_instance: Instance) -> None:
    instance = sqlite_instance
    take_in(instance, ("alder",))
    put_in_force(instance, -2.0)
    reports = named(instance)
    with instance.database.read() as tx:
        found = actions.explain(tx, process.matching(instance), reports["alder-0"], reports["alder-1"])
    (line,) = [one for one in found.evidence if one.name == "learned"]
    assert line.contribution == pytest.approx(9.0 * np.tanh(-2.0 / 9.0), abs=1e-3)
    assert "two flaws" in line.wording
