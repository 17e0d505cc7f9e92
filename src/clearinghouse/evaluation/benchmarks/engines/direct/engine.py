"""The loop: ask, run what is asked for, until something is handed in or a limit is reached."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

from clearinghouse.core.errors import ClearinghouseError, Invalid, NotPermitted
from clearinghouse.evaluation.benchmarks.engines.base import NUDGE, NUDGES_MAX, Ending, Job, SampleResult, Usage
from clearinghouse.evaluation.benchmarks.engines.client import Client, Told
from clearinghouse.evaluation.benchmarks.engines.results import (
    builds_of,
    changed_model,
    cut_by_us,
    ended_by,
    is_cut_short,
    kept_message,
    limit_reached,
    tool_record,
    usage_of,
)
from clearinghouse.evaluation.benchmarks.records import Submission
from clearinghouse.evaluation.benchmarks.sessions import Session, ToolResult
from clearinghouse.evaluation.benchmarks.transcripts.records import Transcript

NAME = "direct/1"
_CALLS_OF_ANSWER_MAX = 32
_ANSWER_BYTES_MAX = 1 << 20
TOOLS: tuple[dict[str, Any], ...] = (
    {"type": "function", "function": {
        "name": "bash", "description": "Run a bash command. Each call is a fresh shell in /work; files in /work and /tmp stay.",
        "parameters": {"type": "object", "properties": {"command": {"type": "string", "description": "The command."}}, "required": ["command"]},
    }},
    {"type": "function", "function": {
        "name": "submit", "description": "Hand in the answer. The task ends with it.",
        "parameters": {"type": "object", "properties": {"answer": {"type": "string", "description": "The answer."}}, "required": ["answer"]},
    }},
)
"""What a model is offered."""


class DirectEngine:
    """Runs samples in threads of this process."""

    @property
    def name(self) -> str:
        """As runs record it."""
        return NAME

    def run(self, job: Job, on_sample: Callable[[SampleResult], None], stop: threading.Event) -> None:
        """As the protocol says."""
        over = threading.Event()  # somebody's sample found the window closed, or the caller failed: the rest is not begun

        def one(sample_id: str) -> None:
            if stop.is_set() or over.is_set():
                return
            result = run_sample(job, client, sample_id, stop)
            if result.access_over:
                over.set()
            on_sample(result)

        with Client(job.endpoint, job.generation) as client, ThreadPoolExecutor(max(1, job.at_once), "sample") as threads:
            waiting = [threads.submit(one, sample_id) for sample_id in job.samples]
            try:
                for done in as_completed(waiting):
                    done.result()
            except BaseException:
                over.set()
                raise


@dataclass
class _Sample:
    job: Job
    client: Client
    sample_id: str
    stop: threading.Event
    wanted: tuple[str, ...] = ()
    messages: list[dict[str, Any]] = field(default_factory=list)
    responses: list[Mapping[str, Any]] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    access_over: bool = False

    @property
    def seconds_left(self) -> float:
        return self.job.limits.seconds - (time.monotonic() - self.began)

    @property
    def usage(self) -> Usage:
        return usage_of(self.responses, self.job.generation)


def run_sample(job: Job, client: Client, sample_id: str, stop: threading.Event) -> SampleResult:
    """One sample, from its item to what was handed in."""
    sample = _Sample(job, client, sample_id, stop)
    session = None
    try:
        opened = job.open(sample_id)
        sample.wanted = opened.wanted
        session = Session(job.sandbox, job.limits.session, opened.files)
        sample.messages = [{"role": "system", "content": job.system}, {"role": "user", "content": opened.prompt}]
        ending, answer, note = _converse(sample, session)
    except NotPermitted:
        ending, answer, note = Ending.NOT_RUN, "", "not released"
    except ClearinghouseError as error:
        # Its words may quote an item; of ours, the family is enough.
        ending, answer, note = Ending.INFRASTRUCTURE, "", f"our own side failed ({type(error).__name__})"
    files = {} if session is None or ending is not Ending.SUBMITTED else session.collect(sample.wanted)
    incidents = () if session is None else session.incidents
    if session is not None:
        session.close()
    return SampleResult(
        sample_id, ending, Submission(answer, files), Transcript(NAME, tuple(sample.messages), tuple(sample.responses), tuple(sample.tools)),
        sample.usage, time.monotonic() - sample.began, (*incidents, *changed_model(sample.responses)), note, builds_of(sample.responses),
        sample.access_over,
    )


def _converse(sample: _Sample, session: Session) -> tuple[Ending, str, str]:
    nudges, limits, generation = 0, sample.job.limits, sample.job.generation
    while True:
        if sample.stop.is_set():
            return cut_by_us(bool(sample.responses)), "", "told to stop"
        if which := limit_reached(sample.usage, len(sample.messages), sample.seconds_left, limits):
            return Ending.LIMIT, "", which
        left = limits.tokens - sample.usage.tokens
        answer = sample.client.ask(
            sample.sample_id, sample.messages, TOOLS, completion_tokens_max=min(left, generation.completion_tokens_max), seconds=sample.seconds_left,
            stop=sample.stop,
        )
        answered = bool(sample.responses)
        if answer.response:
            sample.responses.append(answer.response)
        if answer.message:
            sample.messages.append(kept_message(answer.message))
        if answer.told is not Told.ANSWER:
            ending, note, sample.access_over = ended_by(answer, answered=answered, seconds_left=sample.seconds_left)
            return ending, "", note
        calls = answer.message.get("tool_calls")
        if not isinstance(calls, list) or not calls:
            if is_cut_short(answer.response, left, generation):
                return Ending.LIMIT, "", "tokens"
            nudges += 1
            if nudges > NUDGES_MAX:
                return Ending.GAVE_UP, "", "no tool call and no submission"
            sample.messages.append({"role": "user", "content": NUDGE})
            continue
        nudges = 0
        submitted = _do_calls(sample, session, calls)
        if submitted is not None:
            return Ending.SUBMITTED, submitted, ""


def _do_calls(sample: _Sample, session: Session, calls: list[Any]) -> str | None:
    """Run what was asked for, in order; gives the answer if one was handed in."""
    for number, call in enumerate(calls):
        name, arguments, call_id = _parsed(call, number)
        if name == "submit" and isinstance(arguments.get("answer"), str):
            sample.tools.append({"tool": "submit"})
            return str(arguments["answer"][:_ANSWER_BYTES_MAX])
        if number >= _CALLS_OF_ANSWER_MAX:
            said = "not run: too many calls at once"
        elif name == "bash" and isinstance(arguments.get("command"), str):
            said = _bash(sample, session, arguments["command"])
        elif name in ("bash", "submit"):
            said = f"the tool {name} takes one text named {'command' if name == 'bash' else 'answer'}"
        else:
            said = "there is no such tool; there are bash and submit"
        sample.messages.append({"role": "tool", "tool_call_id": call_id, "content": said})
    return None


def _bash(sample: _Sample, session: Session, command: str) -> str:
    seconds = max(0.1, min(sample.job.limits.session.call_seconds, sample.seconds_left))
    try:
        result = session.exec(["/bin/bash", "-c", command], seconds=seconds, stop=sample.stop)
    except Invalid as error:
        return str(error)
    sample.tools.append(tool_record(command, result))
    return shown(result, sample.job.limits.session.output_bytes_max)


def shown(result: ToolResult, bytes_max: int) -> str:
    """A tool's result as a model reads it: errors first, then output, cut at the bound."""
    text = result.untrusted_stderr + (b"\n" if result.untrusted_stderr else b"") + result.untrusted_stdout
    parts = [text[:bytes_max].decode("utf-8", "replace")]
    if result.truncated or len(text) > bytes_max:
        parts.append("[the output was longer and is cut here]")
    if result.timed_out:
        parts.append("Command timed out before completing.")
    if result.note:
        parts.append(f"[{result.note}]")
    return "\n".join(part for part in parts if part)


def _parsed(call: object, number: int) -> tuple[str, dict[str, Any], str]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        return "", {}, f"call_{number}"
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (ValueError, TypeError, RecursionError):
        arguments = {}
    return str(function.get("name") or ""), arguments if isinstance(arguments, dict) else {}, str(call.get("id") or f"call_{number}")


__all__ = ["NAME", "TOOLS", "DirectEngine", "run_sample", "shown"]
