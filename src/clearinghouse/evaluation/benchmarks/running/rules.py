"""What a run decides: whether a plan can be run, what a sample came to, what a cell of the grid is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.evaluation.benchmarks.engines.base import Ending
from clearinghouse.evaluation.benchmarks.records import Grade
from clearinghouse.evaluation.benchmarks.running.records import Control, Fact, RunPlan, Sample
from clearinghouse.evaluation.benchmarks.transcripts.records import Finding
from clearinghouse.evaluation.statistics.records import Cell, CellState, Effort, PlannedItem

_SEED_BYTES_MIN = 16
_NAME_CHARACTERS_MAX = 64  # the width of the columns


def check_plan(plan: RunPlan, policy: BenchmarkPolicy) -> None:
    """Nothing, if a plan can be run.

    Raises:
        Invalid: an item comes twice or is named and not there, or a number lies outside what this instance allows.
    """
    blinded = [item.item for item in plan.grid.items]
    if not blinded or plan.grid.epochs < 1:
        raise Invalid("a run needs at least one item and one epoch")
    if len(set(blinded)) != len(blinded) or len(set(plan.items.values())) != len(plan.items):
        raise Invalid("an item comes twice in this plan: it would count as two")
    if set(blinded) != set(plan.items):
        raise Invalid("the items of the grid and those that were named for it are not the same")
    if any(len(word) > _NAME_CHARACTERS_MAX or not word for item in plan.grid.items for word in (item.domain, item.family, item.item)):
        raise Invalid(f"names of domains, families and items have 1 to {_NAME_CHARACTERS_MAX} characters")
    for word, found, most in (
        ("tokens", plan.tokens, policy.sample_tokens_max), ("messages", plan.messages, policy.sample_messages_max),
        ("seconds", plan.seconds, policy.sample_seconds_max), ("samples at once", plan.at_once, policy.samples_at_once_max),
    ):
        if not 0 < found <= most:
            raise Invalid(f"a plan gives each sample {found} {word}; this instance allows more than none and at most {most}")
    if not policy.reviewed_share_min <= plan.reviewed_share <= 1:
        raise Invalid(f"people read at least {policy.reviewed_share_min:.0%} of transcripts here; the plan says {plan.reviewed_share:.0%}")
    try:
        seed = bytes.fromhex(plan.seed)
    except ValueError:
        seed = b""
    if len(seed) < _SEED_BYTES_MIN:
        raise Invalid(f"the seed of a plan has at least {2 * _SEED_BYTES_MIN} hexadecimal digits")


def check_effort(effort: Effort) -> None:
    """Nothing, if an entry of the effort ledger makes sense.

    Raises:
        Invalid: a count is negative, or the safeguards are neither full nor reduced.
    """
    counts = (effort.scaffolds, effort.prompts, effort.attempts, effort.tokens)
    if any(count < 0 for count in counts) or not 0 <= effort.person_hours < 1e6:
        raise Invalid("effort is counted from nought upwards")
    if effort.safeguards not in ("full", "reduced"):
        raise Invalid("safeguards are full or reduced: two subjects, never merged")


def in_order(plan: RunPlan) -> list[tuple[PlannedItem, int]]:
    """Cells in the order in which they are run: the plan's order of items, all epochs of one before the next."""
    return [(item, epoch) for item in plan.grid.items for epoch in range(1, plan.grid.epochs + 1)]


def drawn_name(item: str, epoch: int) -> str:
    """What names a cell when chance chooses transcripts."""
    return f"{item}/{epoch}"


def outcome_of(ending: Ending, grade: Grade | None) -> CellState | None:
    """What a cell came to; None where it was not run and can be."""
    match ending:
        case Ending.SUBMITTED:
            if grade is None or grade.correct is None:
                return CellState.UNRESOLVED
            return CellState.SOLVED if grade.correct else CellState.UNSOLVED
        case Ending.GAVE_UP:
            return CellState.UNSOLVED
        case Ending.REFUSED:
            return CellState.REFUSED
        case Ending.LIMIT:
            return CellState.LIMIT
        case Ending.UNRESOLVED:
            return CellState.UNRESOLVED
        case Ending.INFRASTRUCTURE:
            return CellState.INFRASTRUCTURE
        case Ending.NOT_RUN:
            return None


def cell_of(sample: Sample, finding: Finding | None) -> Cell:
    """A sample as the statistics see it. The latest finding of a person stands."""
    state = sample.outcome or (CellState.INFRASTRUCTURE if sample.attempts else CellState.NOT_RUN)
    if finding is Finding.UNCLEAR and sample.outcome is not None:
        state = CellState.UNRESOLVED
    return Cell(
        PlannedItem(sample.domain, sample.family, sample.item), sample.epoch, state, finding is Finding.CHEATED,
        sample.prompt_tokens + sample.completion_tokens, sample.seconds, sample.cost_microdollars,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What the named checks look at."""

    planned: int
    samples: Sequence[Sample]
    controls: Mapping[str, Control]
    reused: Collection[str]
    """Samples whose item the same model version met in an earlier run."""
    transcripts_wrong: Collection[str] = ()
    """Samples whose sealed transcript does not have the digest on the record."""


def check_run(seen: Seen) -> tuple[Fact, ...]:
    """Everything the named checks find wrong: nothing, for a run that can carry an analysis."""
    facts = []
    ended = [sample for sample in seen.samples if sample.outcome is not None]
    if len(seen.samples) != seen.planned or len({(sample.item, sample.epoch) for sample in seen.samples}) != seen.planned:
        facts.append(Fact("grid", (), f"{seen.planned} cells were planned and {len(seen.samples)} are there"))
    if seen.reused:
        facts.append(Fact("item_reused", tuple(sorted(seen.reused)), "the model met these items in an earlier run"))
    builds = {sample.build_digest for sample in ended if sample.build_digest}
    if len(builds) > 1:
        facts.append(Fact("model_changed", tuple(sample.id for sample in ended if sample.build_digest), f"answers name {len(builds)} different builds"))
    if cut := tuple(sample.id for sample in ended if sample.outcome is CellState.UNRESOLVED and sample.note.startswith("an answer")):
        facts.append(Fact("truncated", cut, "answers were cut off, or do not say why they ended"))
    broken = {item for item, control in seen.controls.items() if not control.passed}
    without = {sample.item for sample in ended} - set(seen.controls)
    if broken or without:
        found = tuple(sample.id for sample in seen.samples if sample.item in broken | without)
        facts.append(Fact("controls", found, f"{len(broken)} items failed a control of their own, {len(without)} were never tried"))
    if silent := tuple(sample.id for sample in ended if sample.unmetered_calls):
        facts.append(Fact("unmetered", silent, "answers do not say how many tokens they took"))
    if seen.transcripts_wrong:
        facts.append(Fact("transcripts", tuple(sorted(seen.transcripts_wrong)), "sealed transcripts do not have the digest on the record"))
    return tuple(facts)
