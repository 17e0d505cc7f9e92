"""A model behind an endpoint that speaks the common chat format (`POST .../chat/completions`), its own or a gateway's."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from clearinghouse.core.errors import Unavailable
from clearinghouse.disclosure.validation.proposing.records import Refusal, Request

_OK, _TOO_MANY = 200, 429


class Answer(Protocol):
    """What a call gives."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


Post = Callable[[str, bytes, Mapping[str, str]], Answer]
"""Address, body and headers to answer: the instance's guarded way out."""


@dataclass(frozen=True)
class ChatProposer:
    """Asks for one answer, with no tools, no memory and no second try."""

    url: str
    model: str
    post: Post
    answer_tokens_max: int
    key: str = field(default="", repr=False)
    tool: str = "chat endpoint"

    def body(self, request: Request) -> bytes:
        return json.dumps({
            "model": self.model, "temperature": 0, "max_tokens": self.answer_tokens_max, "stream": False,
            "messages": [{"role": "system", "content": request.instruction}, {"role": "user", "content": request.quoted}],
        }, ensure_ascii=False, separators=(",", ":")).encode()

    def ask(self, body: bytes) -> bytes:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        answer = self.post(self.url, body, headers)
        if answer.status == _TOO_MANY or answer.status >= 500:
            raise Unavailable(f"the model's endpoint answered {answer.status}; try again later")
        if answer.status != _OK:
            raise Refusal(f"the model's endpoint answered {answer.status}; look at url, model and key_path of [proposer]")
        return _text(answer.body).encode("utf-8", "replace")


def _text(untrusted_body: bytes) -> str:
    try:
        value = json.loads(untrusted_body)
        (choice,) = value["choices"]
        message, reason = choice["message"], choice.get("finish_reason")
        content = message["content"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Refusal("the endpoint's answer is not of the chat format; one choice with a message would be right") from None
    if message.get("tool_calls") or message.get("function_call"):
        raise Refusal("the model asked for a tool; it is given none")
    if reason not in (None, "stop"):
        raise Refusal("the answer did not come to its end; a larger answer_tokens_max in the policy might help")
    if not isinstance(content, str) or not content.strip():
        raise Refusal("the model answered with no text")
    return content
