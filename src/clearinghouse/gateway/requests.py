"""What a client may ask: the body of a chat completion, bounded and checked field by field, and rendered anew for the upstream.

What is not listed here is refused, so that nothing reaches a developer's server that changes what is measured or kept there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

_MESSAGES_MAX = 20_000
_TOOLS_MAX = 256
_STOPS_MAX = 16
_WORD_CHARACTERS_MAX = 200
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_MESSAGE_FIELDS = frozenset({
    "role", "content", "name", "tool_calls", "tool_call_id", "refusal", "reasoning_content", "reasoning",
})
_PART_FIELDS = {"text": frozenset({"type", "text"}), "refusal": frozenset({"type", "refusal"})}
_DROPPED = frozenset({"user", "safety_identifier", "prompt_cache_key"})
"""Say who asks; nobody upstream needs to know."""


class BadRequest(Exception):
    """A request that is answered with 400 or its like: a status, a code of ours, words without a piece of the prompt."""

    def __init__(self, code: str, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.code, self.words, self.status = code, words, status


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as it was understood."""

    document: dict[str, Any]
    """What is forwarded, but for the model's name and the bound on the answer."""
    stream: bool
    wants_usage: bool
    """Whether the client asked to be shown the tokens of a stream."""
    completion_tokens: int | None
    """The most it wants; None where it did not say."""
    length_field: str
    """By which name it said so; empty where it did not."""


def parse_call(untrusted_body: bytes, model: str, completion_tokens_max: int) -> Asked:
    """A chat completion as a client asks for it.

    Args:
        model: the only name that is served to this access.
    Raises:
        BadRequest: it is no JSON object, or a field is unknown or out of bounds.
    """
    document = _object(untrusted_body)
    named = document.pop("model", None)
    if named != model:
        raise BadRequest("model_not_served", f"this access is for the model `{model}`; ask for it by that name", 404)
    kept: dict[str, Any] = {}
    for name, value in document.items():
        if value is None or name in _DROPPED:
            continue
        check = _FIELDS.get(name)
        if check is None:
            raise BadRequest("unsupported_field", f"`{name[:40]}` is not passed on; known are {', '.join(sorted(_FIELDS))}")
        fault = check(value)
        if fault:
            raise BadRequest("invalid_field", f"`{name}` {fault}")
        kept[name] = value
    if "messages" not in kept:
        raise BadRequest("invalid_field", "`messages` is missing; a list of at least one message would be right")
    stream, options = kept.pop("stream", False), kept.pop("stream_options", {})
    if options and not stream:
        raise BadRequest("invalid_field", "`stream_options` goes with `stream`: true")
    kept.pop("n", None)
    wanted = {name: kept.pop(name) for name in ("max_tokens", "max_completion_tokens") if name in kept}
    if len(set(wanted.values())) > 1:
        raise BadRequest("invalid_field", "`max_tokens` and `max_completion_tokens` say different things; one of them would do")
    bound = next(iter(wanted.values()), None)
    if bound is not None and bound > completion_tokens_max:
        raise BadRequest("invalid_field", f"`{next(iter(wanted))}` is at most {completion_tokens_max} here")
    return Asked(kept, stream, bool(options.get("include_usage", False)), bound, next(reversed(wanted), ""))


def _object(untrusted_body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(untrusted_body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadRequest("invalid_json", "the body is no JSON; an object as of a chat completion would be right") from None
    if not isinstance(found, dict):
        raise BadRequest("invalid_json", "the body is JSON, but no object")
    return found


def _number(least: float, most: float) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        return "" if fits else f"is a number from {least:g} to {most:g}"

    return check


def _whole(least: int, most: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        return "" if type(value) is int and least <= value <= most else f"is a whole number from {least} to {most}"

    return check


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "is true or false"


def _word(value: Any) -> str:
    return "" if isinstance(value, str) and len(value) <= _WORD_CHARACTERS_MAX else f"is text of at most {_WORD_CHARACTERS_MAX} characters"


def _map(value: Any) -> str:
    return "" if isinstance(value, dict) else "is an object"


def _choice(value: Any) -> str:
    return "" if isinstance(value, dict) or not _word(value) else "is a word or an object"


def _false(value: Any) -> str:
    return "" if value is False else "can only be false: nothing is to be kept by the model's server"


def _stops(value: Any) -> str:
    listed = value if isinstance(value, list) else [value]
    fits = 0 < len(listed) <= _STOPS_MAX and all(isinstance(one, str) for one in listed)
    return "" if fits else f"is text, or a list of at most {_STOPS_MAX}"


def _stream_options(value: Any) -> str:
    fits = isinstance(value, dict) and set(value) <= {"include_usage", "include_obfuscation"} and all(isinstance(v, bool) for v in value.values())
    return "" if fits else "holds `include_usage`, true or false"


def _tools(value: Any) -> str:
    fits = isinstance(value, list) and len(value) <= _TOOLS_MAX and all(
        isinstance(one, dict) and one.get("type") == "function" and isinstance(one.get("function"), dict) for one in value
    )
    return "" if fits else f"is a list of at most {_TOOLS_MAX} tools of the type `function`; tools that the model's server runs itself are not passed on"


def _messages(value: Any) -> str:
    if not isinstance(value, list) or not 0 < len(value) <= _MESSAGES_MAX:
        return f"is a list of 1 to {_MESSAGES_MAX} messages"
    for place, message in enumerate(value):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str) or message["role"] not in _ROLES:
            return f"holds something without a known role at {place}; roles are {', '.join(sorted(_ROLES))}"
        if not message.keys() <= _MESSAGE_FIELDS:
            return f"holds a field that is not passed on at {place}; known are {', '.join(sorted(_MESSAGE_FIELDS))}"
        if fault := _content(message.get("content")):
            return f"{fault} at {place}"
    return ""


def _content(content: Any) -> str:
    if content is None or isinstance(content, str):
        return ""
    if not isinstance(content, list):
        return "holds content that is neither text nor a list of parts"
    for part in content:
        known = _PART_FIELDS.get(part.get("type", "")) if isinstance(part, dict) and isinstance(part.get("type"), str) else None
        if known is None or part.keys() != known or not all(isinstance(text, str) for text in part.values()):
            return "holds a part that is no text; pictures, sound and files are not passed on"
    return ""


_FIELDS: dict[str, Callable[[Any], str]] = {
    "messages": _messages, "stream": _flag, "stream_options": _stream_options, "n": _whole(1, 1), "max_tokens": _whole(1, 2**31),
    "max_completion_tokens": _whole(1, 2**31), "temperature": _number(0, 2), "top_p": _number(0, 1), "top_k": _whole(-1, 10_000),
    "min_p": _number(0, 1), "frequency_penalty": _number(-2, 2), "presence_penalty": _number(-2, 2), "repetition_penalty": _number(0, 10),
    "seed": _whole(-(2**63), 2**63 - 1), "stop": _stops, "tools": _tools, "tool_choice": _choice, "parallel_tool_calls": _flag,
    "response_format": _map, "logprobs": _flag, "top_logprobs": _whole(0, 20), "logit_bias": _map, "reasoning_effort": _word,
    "verbosity": _word, "store": _false,
}
