"""What a client is answered: errors in the shape clients know, and what an upstream says, checked before it is handed on.

The words of an upstream's error may quote the prompt, so they go nowhere: a status, our own words and a keyed digest are what is left.
"""

from typing import Any

import msgspec

_EVENT_BYTES_MAX = 4_194_304  # of one event of a stream that waits for its end: a bound on memory, not a policy
_DATA, _DONE = b"data:", b"[DONE]"


class Malformed(Exception):
    """An upstream said what is no answer."""


def error_body(code: str, words: str, kind: str = "gateway_refusal") -> bytes:
    """An error as clients of chat completions read it."""
    return msgspec.json.encode({"error": {"message": words, "type": kind, "param": None, "code": code}})


def error_event(code: str, words: str) -> bytes:
    """The same within a stream: its last event, after which there is no end mark."""
    return b"data: " + error_body(code, words) + b"\n\n"


class Answer:
    """What is learned of an answer while it passes."""

    def __init__(self) -> None:
        self.usage: tuple[int, int] | None = None
        """Prompt and completion tokens as the upstream counts them."""
        self.finished = False
        """Whether the model said why it stopped."""
        self.build = ""
        """How the upstream names what answered, for noticing another one."""

    def read_whole(self, untrusted_body: bytes) -> None:
        """Learn from an answer in one piece.

        Raises:
            Malformed: it is none.
        """
        self._learn(_decoded(untrusted_body), whole=True)

    def _learn(self, found: dict[str, Any], *, whole: bool) -> bool:
        """Gives whether a choice is in it."""
        choices, usage = found.get("choices"), found.get("usage")
        if not isinstance(choices, list) or (whole and len(choices) != 1) or not all(isinstance(one, dict) for one in choices):
            raise Malformed("no choices")
        if any(one.get("index", 0) != 0 for one in choices):
            raise Malformed("another choice than the one asked for")
        if any(isinstance(one.get("finish_reason"), str) for one in choices):
            self.finished = True
        if isinstance(usage, dict):
            prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
            if type(prompt) is int and type(completion) is int and 0 <= prompt < 2**53 and 0 <= completion < 2**53:
                self.usage = (prompt, completion)
        if not self.build and isinstance(found.get("model"), str):
            self.build = f"{found['model'][:200]}/{str(found.get('system_fingerprint') or '')[:200]}"
        return bool(choices)


class StreamedAnswer(Answer):
    """An answer in events: takes bytes as they come and gives whole events, nothing else an upstream may have put between them."""

    def __init__(self, *, shows_usage: bool) -> None:
        super().__init__()
        self._rest = bytearray()
        self._shows_usage = shows_usage
        self.ended = False
        """Whether the mark of the end came."""

    def feed(self, untrusted_chunk: bytes) -> bytes:
        """The events that are complete by now, to be handed on.

        Raises:
            Malformed: an event is an error, too long, or no part of an answer. What came before it is lost with it.
        """
        self._rest += untrusted_chunk
        # Lines may end in any of the three ways (WHATWG HTML, 9.2.6).
        last = max(self._rest.rfind(b"\n"), self._rest.rfind(b"\r") if self._rest[-1:] != b"\r" else -1)
        if last < 0:
            if len(self._rest) > _EVENT_BYTES_MAX:
                raise Malformed("an event that does not end")
            return b""
        complete = bytes(self._rest[: last + 1])
        del self._rest[: last + 1]
        # Each event of a chat completion is one line of data, so a whole line is a whole event.
        out = bytearray()
        for line in complete.splitlines():
            if not line.startswith(_DATA) or self.ended:
                continue
            data = line[len(_DATA) :].strip()
            if data == _DONE:
                self.ended = True
                out += b"data: [DONE]\n\n"
            elif self._learn(_decoded(data), whole=False) or self._shows_usage:
                out += b"data: " + data + b"\n\n"
        return bytes(out)


def _decoded(untrusted: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(untrusted)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Malformed("no JSON") from None
    if not isinstance(found, dict) or found.get("error") is not None:
        raise Malformed("an error within an answer")
    return found
