"""What each kind of upstream is sent, and what is learned from what it says, whatever pieces it comes in."""

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.gateway.answers import Answer, Malformed, StreamedAnswer
from clearinghouse.gateway.providers.base import Lost, Provider, Unreached, UpstreamSettings
from clearinghouse.gateway.providers.litellm import LiteLLMProvider
from clearinghouse.gateway.providers.openai import OpenAIProvider
from clearinghouse.gateway.requests import Asked
from simulators.upstream import upstream

ASKED = Asked({"messages": [{"role": "user", "content": "hello"}]}, stream=True, wants_usage=False, completion_tokens=None, length_field="")
KINDS: dict[str, Callable[..., Provider]] = {"openai": OpenAIProvider, "litellm": LiteLLMProvider}


def made(kind: str, url: str, length_field: str = "") -> Provider:
    return KINDS[kind](UpstreamSettings("main", kind, url, "the-model", "a-key", length_field), connect_seconds=2, silence_seconds=1, connections_max=4)


def test_litellm_is_asked_for_one_answer_of_one_model_and_no_log() -> None:
    assert json.loads(made("litellm", "http://x/v1").render(ASKED, 7)) == {
        "messages": [{"role": "user", "content": "hello"}], "model": "the-model", "max_tokens": 7, "stream": True,
        "stream_options": {"include_usage": True}, "num_retries": 0, "disable_fallbacks": True, "no-log": True,
    }


def test_server_is_told_the_bound_by_the_name_it_knows() -> None:
    assert "max_completion_tokens" in json.loads(made("openai", "http://x/v1").render(ASKED, 7))
    assert json.loads(made("openai", "http://x/v1", length_field="max_tokens").render(ASKED, 7))["max_tokens"] == 7


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_provider_asks_once_and_gives_the_bytes_as_they_come(kind: str) -> None:
    async def story(url: str) -> tuple[int, bytes]:
        provider = made(kind, url)
        found = b""
        for _ in range(2):
            async with provider.ask(provider.render(ASKED, 7)) as incoming:
                found = b"".join([chunk async for chunk in incoming.chunks()])
        await provider.close()
        return incoming.status, found

    with upstream() as server:
        status, found = asyncio.run(story(server.url))
        assert (status, len(server.received)) == (200, 2)
        assert "authorization: bearer a-key" in server.headers[0].lower()
    assert found.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_provider_tells_what_was_never_asked_from_what_was_lost(kind: str) -> None:
    async def story(url: str, words: str) -> None:
        provider = made(kind, url)
        asked = Asked({"messages": [{"role": "user", "content": words}]}, stream=True, wants_usage=False, completion_tokens=None, length_field="")
        try:
            async with provider.ask(provider.render(asked, 7)) as incoming:
                async for _ in incoming.chunks():
                    pass
        finally:
            await provider.close()

    with upstream() as server:
        for words in ("truncated", "silent"):
            with pytest.raises(Lost):
                asyncio.run(story(server.url, words))
        url = server.url
    with pytest.raises(Unreached):
        asyncio.run(story(url, "hello"))


_EVENTS = [
    {"choices": [{"index": 0, "delta": {"content": "wör\nd"}, "finish_reason": None}], "model": "build-7", "system_fingerprint": "fp"},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
]


@given(st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"]), st.lists(st.integers(0, 400), max_size=20), st.booleans())
def test_stream_is_understood_in_whatever_pieces_it_comes(ending: str, cuts: list[int], shows: bool) -> None:
    """Server-sent events are lines, wherever the network parts them (WHATWG HTML, 9.2.6)."""
    whole = (": hello" + ending + "".join(f"data: {json.dumps(event)}{ending}" for event in _EVENTS) + f"data: [DONE]{ending}data: after{ending}\n").encode()
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    answer = StreamedAnswer(shows_usage=shows)
    out = b"".join(answer.feed(whole[start:end]) for start, end in pairwise(places))
    expected = [json.dumps(event) for event in _EVENTS[: 3 if shows else 2]] + ["[DONE]"]
    assert out == "".join(f"data: {one}\n\n" for one in expected).encode()
    assert (answer.usage, answer.finished, answer.ended, answer.build) == ((3, 4), True, True, "build-7/fp")


@pytest.mark.parametrize("said", [
    b"data: {\"error\": {\"message\": \"you said: x\"}}\n", b"data: nonsense\n", b"data: []\n", b"data: {\"choices\": 7}\n",
    b"data: {\"choices\": [{\"index\": 1, \"delta\": {}}]}\n", b"data: " + b"[" * 100_000 + b"\n", b"data: \xff\n", b"x" * 5_000_000,
])
def test_event_that_is_no_part_of_an_answer_is_malformed(said: bytes) -> None:
    with pytest.raises(Malformed):
        StreamedAnswer(shows_usage=True).feed(said)


@pytest.mark.parametrize("usage", [None, 7, {}, {"prompt_tokens": 1}, {"prompt_tokens": -1, "completion_tokens": 1}, {"prompt_tokens": 1.5, "completion_tokens": 1}])
def test_account_that_is_none_is_not_believed(usage: object) -> None:
    answer = Answer()
    answer.read_whole(json.dumps({"choices": [{"finish_reason": "stop", "message": {}}], "usage": usage}).encode())
    assert (answer.usage, answer.finished) == (None, True)
