"""What both engines make of the answers of a model: tokens, cost, and which build spoke."""

from collections.abc import Mapping, Sequence
from typing import Any

from clearinghouse.evaluation.benchmarks.engines.base import Generation, Usage
from clearinghouse.evaluation.benchmarks.sessions import Certainty, Incident, IncidentKind


def usage_of(responses: Sequence[Mapping[str, Any]], generation: Generation) -> Usage:
    """What answers say they took, added up."""
    prompt = sum(int(response.get("prompt_tokens", 0)) for response in responses)
    completion = sum(int(response.get("completion_tokens", 0)) for response in responses)
    unmetered = sum("completion_tokens" not in response for response in responses)
    cost = prompt * generation.prompt_microdollars + completion * generation.completion_microdollars
    return Usage(len(responses), prompt, completion, unmetered, round(cost))


def builds_of(responses: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Model and build as answers name them, each once."""
    return tuple(dict.fromkeys(f"{response.get('model', '')}#{response.get('build', '')}" for response in responses))


def changed_model(responses: Sequence[Mapping[str, Any]]) -> tuple[Incident, ...]:
    """An incident if the answers of one sample name different builds."""
    builds = builds_of(responses)
    if len(builds) < 2:
        return ()
    words = f"the answers of one sample name {len(builds)} different models or builds"
    return (Incident(IncidentKind.MODEL_CHANGED, Certainty.FACT, 0, words, "\n".join(builds)[:4_096].encode("utf-8", "replace")),)
