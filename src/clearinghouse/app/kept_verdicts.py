"""A verdict as it is sealed with its case: everything it rests on, but for the files of builds and the logs of runs."""

from dataclasses import dataclass, replace

import msgspec

from clearinghouse.core.policy import BenchPolicy
from clearinghouse.disclosure.validation.judging import Assessment
from clearinghouse.disclosure.validation.memory.cache import without_logs
from clearinghouse.disclosure.validation.recipes.records import Recipe


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands behind a verdict."""

    assessment: Assessment
    """Without the files of builds; logs of runs lie under their digests."""
    host: str
    """A name of the host that tells it from others and tells nothing else."""
    runs: int = 0
    """How often the reproducer was run on a build."""
    wall_seconds: float = 0.0
    memory_bytes: int = 0
    """Of one run, each."""


def kept_of(recipe: Recipe, assessment: Assessment, host: str, policy: BenchPolicy) -> Kept:
    """What is to be kept of an assessment, with the limits it was made within."""
    limits = recipe.limits
    return Kept(
        _lean(assessment), host, policy.runs, min(limits.wall_seconds or policy.run_wall_seconds, policy.run_wall_seconds_max),
        min((limits.memory_megabytes or 0) << 20 or policy.run_memory_bytes, policy.run_memory_bytes_max),
    )


def render_kept(kept: Kept) -> bytes:
    """As it is sealed."""
    return msgspec.json.encode(kept)


def parse_kept(document: bytes) -> Kept:
    """What `render_kept` rendered."""
    return msgspec.json.decode(document, type=Kept)


def _lean(found: Assessment) -> Assessment:
    seen = found.observed
    return replace(found, observed=replace(
        seen, builds={name: replace(build, artefact=b"") for name, build in seen.builds.items()},
        reproducer={name: without_logs(cell) for name, cell in seen.reproducer.items()},
        canaries={name: without_logs(cell) for name, cell in seen.canaries.items()},
        benign={name: tuple(without_logs(cell) for cell in cells) for name, cells in seen.benign.items()},
    ))
