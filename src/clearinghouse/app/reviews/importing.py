"""Logs made elsewhere, for a review: read by the Inspect environment, kept as runs that are marked so."""

from dataclasses import dataclass, field
from pathlib import Path

from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid, NotFound
from clearinghouse.core.ids import ReviewCaseId, has_shape
from clearinghouse.core.roles import Scope
from clearinghouse.evaluation.benchmarks.engines.inspect.importing import LOG_BYTES_MAX, read_log
from clearinghouse.evaluation.benchmarks.engines.inspect.venue import find_venue
from clearinghouse.evaluation.benchmarks.running import actions
from clearinghouse.evaluation.benchmarks.running.importing import ImportedLog, parse_map, read_records
from clearinghouse.evaluation.benchmarks.running.records import Run
from clearinghouse.parties.rules import check_may
from clearinghouse.parties.store import may_read


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A log that was read."""

    log: ImportedLog
    untrusted_bytes: bytes = field(repr=False)
    records: bytes = field(repr=False)


def read_file(path: Path, how: bytes, python: Path | None = None) -> ReadLog:
    """A log as cells.

    Args:
        how: the map, as TOML.
        python: of the environment with Inspect; None: that of this checkout.
    Raises:
        Invalid: the map or the log is none, or the log is too large.
        Unavailable: there is no environment with Inspect.
    """
    mapped = parse_map(how)
    if path.stat().st_size > LOG_BYTES_MAX:
        raise Invalid(f"{path} is larger than a log may be ({LOG_BYTES_MAX} bytes)")
    content = path.read_bytes()
    records = read_log(find_venue(python), content)
    return ReadLog(read_records(records, mapped), content, records)


def keep_log(instance: Instance, review_id: str, found: ReadLog, model_version: str) -> Run:
    """A run of the review, marked imported.

    Raises:
        NotPermitted: the actor holds no role that acts in reviews.
        NotFound: there is no such review that the actor reads.
    """
    check_may(instance.actor, Scope.REVIEWS_ACT)
    now = instance.clock.now()
    with instance.database.write() as tx:
        if not has_shape(review_id) or not may_read(tx, review_id, instance.actor.id, now):
            raise NotFound("no such review")
        return actions.import_run(
            tx, ReviewCaseId(review_id), found.log, found.untrusted_bytes, found.records, model_version=model_version, readers=(), actor=instance.actor.id,
            envelope=instance.envelope, now=now,
        )
