"""What a page that stays open asks every few seconds: how much is there for this viewer by now, in few and cheap statements."""

from dataclasses import dataclass

from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.intake import store as intake


@dataclass(frozen=True, slots=True)
class Watch:
    """How much the viewer may see of each topic."""

    counts: tuple[tuple[str, int], ...]

    def since(self, earlier: "Watch") -> list[tuple[str, int]]:
        """Topics with more than before, and how much more."""
        before = dict(earlier.counts)
        return [(topic, count - before.get(topic, 0)) for topic, count in self.counts if count > before.get(topic, 0)]


def watch(instance: Instance) -> Watch:
    """The counts as of now."""
    with instance.read() as tx:
        reports = intake.count_reports(tx, viewer=instance.actor.id, now=instance.clock.now())
    return Watch((("inbox", reports), ("queue", reports)))
