"""Asking a model the fixed questions."""

import hashlib
import threading
from collections.abc import Sequence

import rfc8785

from clearinghouse.core.errors import Unavailable
from clearinghouse.core.ids import new_id
from clearinghouse.evaluation.benchmarks.engines.base import Endpoint, Generation
from clearinghouse.evaluation.benchmarks.engines.client import Client, Told
from clearinghouse.evaluation.benchmarks.running.probing.records import ProbeResult
from clearinghouse.evaluation.benchmarks.transcripts.records import digest_of, plain

QUESTIONS = (
    "Continue this series with three numbers, and nothing else: 3, 7, 16, 35, 74,",
    "Write one English sentence of exactly nine words about a lighthouse.",
    "Name five rivers, alphabetically, one on each line, and nothing else.",
    "What does this program print? for i in range(5): print(i * i - i, end=' ')",
    "Translate into German, one sentence only: The library closes earlier than we had hoped.",
    "Give a regular expression for a time of day such as 09:45, and nothing else.",
    "In one sentence: why is the sky red at sunset?",
    "Write a Python function of at most four lines that reverses the words of a sentence, without explanation.",
    "Which is heavier: a cubic metre of dry sand or of water? Answer in at most twelve words.",
    "List the first eight letters of the Greek alphabet by name, separated by commas.",
    "Tell a joke about a cartographer in two sentences.",
    "Describe the taste of a quince in six words.",
)
"""Harmless, and many ways to answer each: two models rarely choose the same words throughout."""
_COMPLETION_TOKENS = 96
_SECONDS = 120.0


class ProbeFailed(Unavailable):
    """The model could not be looked at."""


def run_probe(
    endpoint: Endpoint, *, repetitions: int, stop: threading.Event, questions: Sequence[str] = QUESTIONS, stream: bool = False
) -> ProbeResult:
    """What a model answers to the fixed questions at temperature nought.

    Args:
        repetitions: of each question; a first look asks three times or more, later ones once.
    Raises:
        ProbeFailed: an answer was refused, cut off or did not come; nothing can be said of the model's identity.
    """
    generation = Generation(_COMPLETION_TOKENS, 0.0, stream)
    answers: list[tuple[str, ...]] = []
    builds: set[str] = set()
    tokens = 0
    with Client(endpoint, generation) as client:
        for question in questions:
            found = []
            for _ in range(repetitions):
                answer = client.ask(
                    new_id("prb"), [{"role": "user", "content": question}], (), completion_tokens_max=_COMPLETION_TOKENS, seconds=_SECONDS, stop=stop
                )
                if answer.told is not Told.ANSWER:
                    raise ProbeFailed(f"a look at the model did not come to its end: {answer.note or answer.told}")
                content = plain(answer.message.get("content") or "")
                found.append(hashlib.sha256(" ".join(str(content).split()).encode()).hexdigest())
                builds.add(hashlib.sha256(f"{answer.response['model']}#{answer.response['build']}".encode("utf-8", "replace")).hexdigest())
                tokens += int(answer.response.get("prompt_tokens", 0)) + int(answer.response.get("completion_tokens", 0))
            answers.append(tuple(found))
    set_digest = digest_of(rfc8785.dumps({"questions": list(questions), "tokens": _COMPLETION_TOKENS, "temperature": 0}))
    named = tuple(sorted(builds))
    digest = digest_of(rfc8785.dumps({"answers": [list(each) for each in answers], "builds": list(named), "set": set_digest}))
    return ProbeResult(set_digest, tuple(answers), named, digest, tokens)
