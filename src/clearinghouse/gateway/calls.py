"""The path of one call: admitted, on record, forwarded, relayed, settled. In this order, whatever happens in between."""

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass
from typing import Protocol

from clearinghouse.core.ids import new_id
from clearinghouse.core.review_policy import GatewayPolicy
from clearinghouse.gateway import rules
from clearinghouse.gateway.answers import Answer, Malformed, StreamedAnswer, error_body, error_event
from clearinghouse.gateway.journal.entries import Entry, Kind, render_details
from clearinghouse.gateway.journal.writer import JournalUnavailable
from clearinghouse.gateway.lines import Line
from clearinghouse.gateway.providers.base import Incoming, Lost, Provider, Unreached
from clearinghouse.gateway.requests import Asked
from clearinghouse.gateway.rules import STATUS, WORDS, Refusal
from clearinghouse.gateway.standing import Cut, Gate, Holding

_ERROR_BYTES_MAX = 65_536  # read of an upstream's error, for its digest
_TAIL_SECONDS = 1.0
_OURS = frozenset({401, 402, 403})
"""Statuses that mean something of ours: an upstream's go out as 502, or a client would look for the fault in its own key."""


class Refused(Exception):
    """A call that is not forwarded, and why."""

    def __init__(self, refusal: Refusal, access_id: str = "") -> None:
        super().__init__(refusal)
        self.refusal, self.access_id = refusal, access_id


class Recorder(Protocol):
    """What keeps entries; see `journal.writer.Journal`."""

    async def append(self, entry: Entry) -> None: ...
    def note(self, entry: Entry) -> None: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What every call of a gateway has in common."""

    gate: Gate
    policy: GatewayPolicy
    journal: Recorder
    digest_key: bytes

    def digest(self, *parts: bytes) -> str:
        """A keyed digest: whoever holds the journal alone cannot try out guesses."""
        keyed = hashlib.blake2b(key=self.digest_key, digest_size=16)
        for part in parts:
            keyed.update(part)
        return keyed.hexdigest()


class Call:
    """One call."""

    def __init__(self, terms: Terms, line: Line, holding: Holding, provider: Provider, asked: Asked, sample: str) -> None:
        self._terms, self._line, self._holding, self._provider, self._asked = terms, line, holding, provider, asked
        self.id = new_id("cal")
        self._sample = sample
        self._answer: Answer = StreamedAnswer(shows_usage=asked.wants_usage) if asked.stream else Answer()
        self._outcome, self._status, self._bytes = "not_forwarded", 0, 0
        self._recorded = True
        self._digest = hashlib.blake2b(key=terms.digest_key, digest_size=16)
        self._sent_ns = 0

    async def run(self) -> None:
        """Do all of it.

        Raises:
            Refused: it was not forwarded.
            Cut: its access was cut on the way.
            Gone: the client left.
        """
        policy, account, access = self._terms.policy, self._holding.account, self._holding.access
        completion = self._asked.completion_tokens or policy.completion_tokens_max
        body = self._provider.render(self._asked, completion)
        held = rules.reservation(len(body), completion, policy.prompt_tokens_per_byte)
        refusal = account.reserve(
            sum(held), tokens_max=access.tokens_max, calls_max=access.calls_max, at_once_max=policy.calls_at_once_max
        )
        if refusal is not None:
            raise Refused(refusal, access.id)
        try:
            await self._forward(body, held)
        except Unreached:
            self._outcome = "upstream_unreachable"
            raise Refused(Refusal.UPSTREAM, access.id) from None
        finally:
            self._settle(held)

    async def _forward(self, body: bytes, held: tuple[int, int]) -> None:
        terms, access = self._terms, self._holding.access
        entry = Entry(
            terms.gate.clock.now_ns(), Kind.ADMITTED, access.id, self.id, self._sample, access.upstream, *held, calls=1,
            request_digest=terms.digest(body), details=render_details(bytes=len(body), purpose=access.purpose, run=access.run_id, stream=self._asked.stream),
        )
        try:
            await terms.journal.append(entry)
        except JournalUnavailable:
            self._recorded = False
            raise Refused(Refusal.JOURNAL, access.id) from None
        # It may have taken a while to get onto the disk.
        if (refusal := terms.gate.refusal(self._holding)) is not None:
            raise Refused(refusal, access.id)
        self._line.bind(self._holding)
        self._outcome = "cut"
        self._sent_ns = terms.gate.clock.boot_ns()
        try:
            async with self._provider.ask(body) as incoming:
                self._status = incoming.status
                if incoming.status != 200:
                    await self._pass_error(incoming)
                elif not incoming.plain:
                    await self._fail("upstream_malformed")
                elif isinstance(self._answer, StreamedAnswer):
                    await self._relay_stream(incoming, self._answer)
                else:
                    await self._relay_whole(incoming)
        except Lost:
            await self._fail("upstream_lost")
        except Malformed:
            await self._fail("upstream_malformed")
        except Cut as cut:
            self._line.cause = self._line.cause or cut.refusal
            raise

    async def _relay_stream(self, incoming: Incoming, answer: StreamedAnswer) -> None:
        line, most = self._line, self._terms.policy.response_bytes_max
        chunks = incoming.chunks()
        async for chunk in chunks:
            self._bytes += len(chunk)
            self._digest.update(chunk)
            if self._bytes > most:
                await self._fail("response_too_large")
                return
            if events := answer.feed(chunk):
                if line.streaming:
                    await line.send(events)
                else:
                    await line.begin_stream(events)
            if answer.ended:
                break
        if not answer.finished or not line.streaming:
            await self._fail("unfinished")
            return
        self._outcome = "complete"
        await line.end_stream()
        # Read to its end, so that the connection can be used again; whoever has more to say than an end is not waited for.
        with contextlib.suppress(Lost, TimeoutError):
            async with asyncio.timeout(_TAIL_SECONDS):
                async for chunk in chunks:
                    self._digest.update(chunk)

    async def _relay_whole(self, incoming: Incoming) -> None:
        found = bytearray()
        async for chunk in incoming.chunks():
            found += chunk
            if len(found) > self._terms.policy.response_bytes_max:
                await self._fail("response_too_large")
                return
        self._bytes = len(found)
        self._digest.update(found)
        body = bytes(found)
        self._answer.read_whole(body)
        self._outcome = "complete" if self._answer.finished else "unfinished"
        await self._line.respond(200, body, [(b"x-clearinghouse-call", self.id.encode())])

    async def _pass_error(self, incoming: Incoming) -> None:
        async for chunk in incoming.chunks():
            self._bytes += len(chunk)
            self._digest.update(chunk)
            if self._bytes > _ERROR_BYTES_MAX:
                break
        self._outcome = "upstream_refused"
        status = incoming.status if 400 <= incoming.status < 600 and incoming.status not in _OURS else 502
        more = [(b"retry-after", incoming.retry_after.encode())] if incoming.retry_after else []
        body = error_body("upstream_refused", f"the model's server answered {incoming.status}; its words are not passed on", "upstream_error")
        await self._line.respond(status, body, more)

    async def _fail(self, code: str) -> None:
        """Say that the answer is none, or not whole; the connection ends with it where part of it went out."""
        self._outcome = code
        words = _FAILURES[code]
        if self._line.streaming:
            await self._line.send(error_event(code, words))
            self._line.close()
        elif self._line.may_answer:
            await self._line.respond(502, error_body(code, words, "upstream_error"))

    def _settle(self, held: tuple[int, int]) -> None:
        terms, access, answer = self._terms, self._holding.access, self._answer
        if self._outcome in _FREE:
            charged = rules.Charge(0, 0, truncated=False)
        else:
            charged = rules.charge(held, answer.usage, whole=self._outcome == "complete")
        if not self._recorded:
            self._holding.account.take_back(sum(held))
            return
        self._holding.account.settle(sum(held), charged)
        if self._outcome == "cut" and not self._line.cause:
            self._outcome = "client_left"
        said = answer.usage or (None, None)
        more = answer.usage is not None and answer.usage != (charged.prompt_tokens, charged.completion_tokens)
        took = (terms.gate.clock.boot_ns() - self._sent_ns) // 1_000_000 if self._sent_ns else None
        terms.journal.note(Entry(
            terms.gate.clock.now_ns(), Kind.SETTLED, access.id, self.id, self._sample, access.upstream, charged.prompt_tokens,
            charged.completion_tokens, outcome=self._outcome, answer_digest=self._digest.hexdigest() if self._bytes else "",
            details=render_details(
                cause=self._line.cause if self._outcome == "cut" else "", truncated=charged.truncated, milliseconds=took, status=self._status or None, bytes=self._bytes,
                build=terms.digest(answer.build.encode("utf-8", "replace")) if answer.build else "",
                said_prompt=said[0] if more else None, said_completion=said[1] if more else None,
            ),
        ))


_FREE = frozenset({"not_forwarded", "upstream_unreachable", "upstream_refused"})
"""Outcomes in which no model answered: the call counts, tokens do not."""

_FAILURES = {
    "upstream_lost": "the model's server went silent or away before its answer was whole",
    "upstream_malformed": "the model's server did not answer as chat completions are answered; its words are not passed on",
    "response_too_large": "the model's answer is longer than is taken here",
    "unfinished": "the model's answer ended without saying why: it is not whole",
}

__all__ = ["Call", "Cut", "Recorder", "Refused", "Terms", "refusal_answer"]


def refusal_answer(refusal: Refusal) -> tuple[int, bytes, bytes]:
    """Status, body and event by which a refusal is told."""
    return STATUS[refusal], error_body(refusal, WORDS[refusal]), error_event(refusal, WORDS[refusal])
