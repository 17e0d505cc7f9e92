"""One exception in one library function, reached on several ways: one case, and few questions about it."""

import json
from pathlib import Path

import numpy as np
import pytest

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.disclosure.deconfliction.placements import word
from clearinghouse.disclosure.deconfliction.records import Verdict
from clearinghouse.disclosure.deconfliction.scoring import Scorer
from clearinghouse.disclosure.deconfliction.settling import settle
from clearinghouse.disclosure.deconfliction.signature import Signer
from clearinghouse.disclosure.deconfliction.traces import read_row, sign_traces
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.intake.sources import crashlog
from clearinghouse.disclosure.intake.sources.base import Document
from tests_support import shared_folder

KEY = b"an instance's secret for terms"
SIGNER, SCORER = Signer(KEY), Scorer.load(KEY)
POLICY = parse_policy(1, default_policy_document())


def traceback(*nested: str) -> str:
    """A log of a parser that fails at one line, however deep the document."""
    frames = ["load_all", "get_document", *(f"compose_{kind}" for kind in nested), "compose_scalar", "resolve_tag"]
    lines = "".join(f'  File "/usr/lib/python3/site-packages/arbor/{name[:4]}.py", line {60 + len(name)}, in {name}\n    x\n' for name in frames)
    return "Traceback (most recent call last):\n" + lines + "KeyError: 'x'\n"


def read(name: str, data: bytes) -> Finding:
    [item] = list(crashlog.SOURCE.parse(Document(name, data, POLICY.intake)))
    assert item.finding is not None
    return item.finding


def told(findings: list[Finding]) -> tuple[list[int], int]:
    """Sizes of the clusters, and how many reports wait to be looked at."""
    numbers = np.arange(1, len(findings) + 1, dtype=np.uint32)
    found = settle([SIGNER.sign(one) for one in findings], numbers, SCORER, POLICY.deconfliction, [f"{n:04}" for n in range(len(findings))],
                   loci=[read_row(sign_traces(one, SIGNER)) for one in findings])
    words = [
        word(number, int(found.clusters[at]), list(zip(
            found.candidates[at].tolist()[: int(found.candidates_count[at])], found.probabilities[at].tolist(), found.relations[at].tolist(), strict=False,
        )), set(), set())[0]
        for at, number in enumerate(numbers.tolist())
    ]
    sizes = np.unique(found.clusters, return_counts=True)[1]
    return sorted(sizes.tolist()), sum(one is Verdict.UNSURE for one in words)


def test_crashes_with_the_same_stack_are_joined_and_other_ways_are_asked_about_once() -> None:
    logs = [traceback(), traceback("mapping"), traceback("sequence"), traceback("mapping", "mapping"), traceback("sequence", "sequence", "sequence")]
    findings = [read(f"{n}.log", log.encode()) for n, log in enumerate(logs * 4)]
    sizes, questions = told(findings)
    assert sizes == [20]
    assert questions <= 4


@pytest.mark.skipif(shared_folder() is None, reason="the samples are not there")
def test_python_crashes_of_casr_leave_few_questions() -> None:
    folder = shared_folder()
    assert folder is not None
    paths = sorted((Path(folder) / "samples" / "sanitizer" / "casr" / "test_clustering_python").iterdir())
    assert all(json.loads(path.read_text()) for path in paths)
    sizes, questions = told([read(path.name, path.read_bytes()) for path in paths])
    assert sizes == [1, 55]
    assert questions <= 8
