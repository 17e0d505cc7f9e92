"""An instance with flaws told in several words, decisions about them, and a model as different as one likes."""

import json

import numpy as np

from clearinghouse.app import process
from clearinghouse.app.wiring import Instance
from clearinghouse.core.events import Event
from clearinghouse.core.ids import new_id
from clearinghouse.disclosure.deconfliction import actions, store
from clearinghouse.disclosure.deconfliction.correction import FEATURES_USED, Correction
from clearinghouse.disclosure.deconfliction.learning import actions as learning
from clearinghouse.disclosure.deconfliction.learning import store as learned
from clearinghouse.disclosure.deconfliction.learning.learner import NO_EFFECT
from clearinghouse.disclosure.deconfliction.learning.records import Version, VersionState
from clearinghouse.disclosure.deconfliction.records import DecisionKind
from clearinghouse.disclosure.intake import store as intake
from clearinghouse.disclosure.intake.records import Cover, Report
from clearinghouse.ledger import actions as ledger

_TELLINGS = (
    ("Out-of-bounds write when {0} meets {1}", "A {0} whose {1} is longer than the {2} overwrites memory behind the {2} in the {m} reader.", "CWE-787"),
    ("{m}: memory corruption through {1}", "The {m} reader copies the {1} of a {3} without looking at the {2}; a crafted {3} crashes it.", "CWE-122"),
    ("Crafted {3} crashes the reader of {m}", "The loop over the {2} is bounded by the {3} and not by what was allocated for its {0}.", "CWE-787"),
)
_THINGS = ("ledgerline", "stanza", "trailer", "palette", "glyphset", "manifest", "cue", "tileset", "waypoint", "channelmap", "keyframe", "notch", "rubric", "sprite",
           "codebook", "gutter", "lintel", "vertexfan", "swatch", "tally")
MODULES = ("alder", "birch", "cedar", "damson", "elder", "fir", "gorse", "hazel", "iris", "juniper", "larch", "maple",
            "nettle", "oak", "privet", "quince", "rowan", "sorrel", "thorn", "umbel", "viburnum", "willow", "yarrow", "zinnia")


def take_in(instance: Instance, modules: tuple[str, ...] = MODULES) -> None:
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
    version = Version(new_id("cor"), correction, NO_EFFECT, 3, 0, now, VersionState.PROPOSED, now, instance.actor.id)
    with instance.database.write() as tx:
        learned.add_version(tx, version)
        ledger.record(tx, Event("CorrectionFitted", (version.id,)), actor=instance.actor.id, now=now)
        learning.adopt(tx, version.id, model, actor=instance.actor.id, now=now)
    return version
