"""What both engines make of the answers of a model: tokens, cost, and which build spoke."""

from collections.abc import Mapping, Sequence
from typing import Any

from clearinghouse.evaluation.benchmarks.engines.base import Ending, Generation, SampleLimits, Usage
from clearinghouse.evaluation.benchmarks.engines.client import Answer, Told
from clearinghouse.evaluation.benchmarks.sessions import Certainty, Incident, IncidentKind, ToolResult


def ended_by(answer: Answer, *, answered: bool, seconds_left: float) -> tuple[Ending, str, bool]:
    """How a sample ends by what came in the place of an answer: the ending, our words, and whether the access is over.

    Args:
        answered: the model had answered before, in this sample.
    """
    match answer.told:
        case Told.REFUSED:
            return Ending.REFUSED, answer.note, False
        case Told.CUT:
            return Ending.UNRESOLVED, answer.note, False
        case Told.WINDOW:
            return cut_by_us(answered), answer.note, True
        case Told.BUDGET:
            # What is used up is the access of the whole run, which says nothing of this sample: no model fails for it.
            return cut_by_us(answered), answer.note, True
        case Told.CONTEXT:
            return Ending.LIMIT, answer.note, False
        case Told.STOPPED:
            return cut_by_us(answered), "told to stop", False
        case _:
            return (Ending.LIMIT, "time", False) if seconds_left <= 0 else (Ending.INFRASTRUCTURE, answer.note, False)


def cut_by_us(answered: bool) -> Ending:
    """Our side ended what the model had begun, so it is run again as long as that is allowed; or it never began."""
    return Ending.INFRASTRUCTURE if answered else Ending.NOT_RUN


def limit_reached(usage: Usage, messages: int, seconds_left: float, limits: SampleLimits) -> str:
    """Which limit forbids another question; empty where none does."""
    if usage.tokens >= limits.tokens:
        return "tokens"
    if messages >= limits.messages:
        return "messages"
    return "time" if seconds_left <= 0 else ""


def is_cut_short(response: Mapping[str, Any], left: int, generation: Generation) -> bool:
    """Whether an answer ended because the sample's tokens did."""
    return response.get("finish") == "length" and left <= generation.completion_tokens_max


def kept_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Of an answer, what the next question holds."""
    kept: dict[str, Any] = {"role": "assistant", "content": message.get("content") if isinstance(message.get("content"), str) else None}
    if isinstance(message.get("tool_calls"), list) and message["tool_calls"]:
        kept["tool_calls"] = [call for call in message["tool_calls"] if isinstance(call, dict)]
    if isinstance(message.get("refusal"), str):
        kept["refusal"] = message["refusal"]
    return kept


def tool_record(command: str, result: ToolResult) -> dict[str, Any]:
    """A command as a transcript has it."""
    return {
        "tool": "bash", "command": command, "exit_code": result.exit_code, "timed_out": result.timed_out, "truncated": result.truncated,
        "milliseconds": round(result.seconds * 1000), "note": result.note,
    }


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
