"""A log of Inspect's, read through its own Python API into plain records: the format on disk is promised to nobody, the API is.

Started by itself it reads `/given.eval` and writes the records of it to standard output.
"""

import sys

sys.path.insert(0, "/engine")

import hashlib
import json
from typing import Any

from inspect_ai.log import read_eval_log, read_eval_log_samples

VERSION = 1
_TEXT_CHARACTERS_MAX = 4_000


def records_of(path: str) -> dict[str, Any]:
    """What a log holds: of each sample who, how it ended, its scores, what it took, and a digest of everything that Inspect has of it."""
    head = read_eval_log(path, header_only=True)
    samples = []
    for sample in read_eval_log_samples(path, all_samples_required=False):
        usage = list((sample.model_usage or {}).values())
        scores = {
            name: {"value": _plain(score.value), "answer": _plain(score.answer)} for name, score in (sample.scores or {}).items()
        }
        samples.append({
            "id": str(sample.id), "epoch": sample.epoch, "uuid": sample.uuid or "", "error": sample.error is not None,
            "limit": "" if sample.limit is None else sample.limit.type, "stop_reason": str(sample.output.stop_reason) if sample.output.choices else "",
            "scores": scores, "metadata": {str(key): _plain(value) for key, value in (sample.metadata or {}).items()},
            "prompt_tokens": sum(each.input_tokens for each in usage), "completion_tokens": sum(each.output_tokens for each in usage),
            "seconds": sample.total_time or 0.0, "retries": len(sample.error_retries or []),
            "digest": "sha256:" + hashlib.sha256(sample.model_dump_json().encode("utf-8", "replace")).hexdigest(),
        })
    dataset = head.eval.dataset
    return {
        "version": VERSION, "status": head.status, "task": _plain(head.eval.task), "model": _plain(head.eval.model), "created": _plain(head.eval.created),
        "packages": {str(key): _plain(value) for key, value in (head.eval.packages or {}).items()},
        "planned": (dataset.samples or 0) * (head.eval.config.epochs or 1), "planned_ids": [str(each) for each in dataset.sample_ids or []],
        "epochs": head.eval.config.epochs or 1, "samples": samples,
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, str):
        return value[:_TEXT_CHARACTERS_MAX].encode("utf-8", "replace").decode()
    return json.dumps(value, default=str)[:_TEXT_CHARACTERS_MAX]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(records_of("/given.eval"), sort_keys=True))
