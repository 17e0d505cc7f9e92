"""Our side of the sockets: what each sample asked, used and tried, and how it ended."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clearinghouse.core.errors import Conflict, Invalid, NotFound, NotPermitted, Unavailable
from clearinghouse.evaluation.benchmarks.engines.base import Ending, Job, SampleResult, Usage
from clearinghouse.evaluation.benchmarks.engines.client import Answer, Client, Told
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
from clearinghouse.evaluation.benchmarks.sessions import FileTrouble, Session
from clearinghouse.evaluation.benchmarks.sessions.broker import Handler, Reply
from clearinghouse.evaluation.benchmarks.transcripts.records import Transcript

_ANSWER_BYTES_MAX = 1 << 20
_LOG_BYTES_MAX = 1 << 30


@dataclass
class Track:
    """One sample, as it is seen from here."""

    sample_id: str
    session: Session
    wanted: tuple[str, ...]
    began: float = field(default_factory=time.monotonic)
    messages: list[dict[str, Any]] = field(default_factory=list)
    responses: list[Mapping[str, Any]] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    decided: tuple[Ending, str] | None = None
    """Once it is there, the model is asked nothing more."""
    access_over: bool = False
    submission: Submission | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Desk:
    """All samples of one job."""

    def __init__(self, name: str, job: Job, client: Client, on_sample: Callable[[SampleResult], None], stop: threading.Event) -> None:
        self._name = name
        self._job = job
        self._client = client
        self._on_sample = on_sample
        self._stop = stop
        self._tracks: dict[str, Track] = {}
        self._told: set[str] = set()
        self._lock = threading.Lock()
        self._log = bytearray()
        self.over = threading.Event()
        self.failure: BaseException | None = None

    def handlers(self) -> dict[str, Handler]:
        """What the broker answers."""
        return {
            "job": self._describe, "open": self._open, "exec": self._exec, "read": self._read, "write": self._write, "submit": self._submit,
            "ended": self._ended, "log": self._take_log, "records": self._take_records,
        }

    def ask(self, sample_id: str, document: Mapping[str, Any]) -> Answer:
        """The model's answer to what a sample asks, or why there is none; a sample whose end is decided gets none."""
        track = self._tracks.get(sample_id)
        if track is None:
            return Answer(Told.FAILED, note="no such sample")
        job = self._job
        with track.lock:
            messages, tools = document.get("messages"), document.get("tools") or ()
            if not isinstance(messages, list) or not isinstance(tools, list | tuple):
                return Answer(Told.FAILED, note="no question")
            if track.decided is not None:
                return Answer(Told.STOPPED)
            track.messages = [dict(message) for message in messages if isinstance(message, dict)]
            left_seconds = job.limits.seconds - (time.monotonic() - track.began)
            usage = usage_of(track.responses, job.generation)
            if self._stop.is_set():
                track.decided = (cut_by_us(bool(track.responses)), "told to stop")
            elif which := limit_reached(usage, len(track.messages), left_seconds, job.limits):
                track.decided = (Ending.LIMIT, which)
            if track.decided is not None:
                return Answer(Told.STOPPED)
            left = job.limits.tokens - usage.tokens
            answer = self._client.ask(
                sample_id, track.messages, tools, completion_tokens_max=min(left, job.generation.completion_tokens_max), seconds=left_seconds,
                stop=self._stop,
            )
            answered = bool(track.responses)
            if answer.response:
                track.responses.append(answer.response)
            if answer.message:
                track.messages.append(kept_message(answer.message))
            if answer.told is not Told.ANSWER:
                ending, note, track.access_over = ended_by(
                    answer, answered=answered, seconds_left=job.limits.seconds - (time.monotonic() - track.began)
                )
                track.decided = (ending, note)
                if track.access_over:
                    self.over.set()
            elif not answer.message.get("tool_calls") and is_cut_short(answer.response, left, job.generation):
                track.decided = (Ending.LIMIT, "tokens")
            return answer

    def finish(self) -> None:
        """Say of samples that began and were not heard of again that our own side failed."""
        for track in list(self._tracks.values()):
            if track.decided is None and track.submission is None:
                words = "told to stop" if self._stop.is_set() else "the engine ended before the sample"
                track.decided = (cut_by_us(bool(track.responses)) if self._stop.is_set() else Ending.INFRASTRUCTURE, words)
            self._tell(track)

    def _describe(self, _words: Mapping[str, Any], _body: bytes) -> Reply:
        job = self._job
        return Reply({
            "samples": list(job.samples), "model": job.endpoint.model, "system": job.system, "at_once": job.at_once, "call_seconds": job.limits.session.call_seconds,
            "output_bytes": job.limits.session.output_bytes_max, "seconds": job.limits.seconds, "messages": job.limits.messages,
        })

    def _open(self, words: Mapping[str, Any], _body: bytes) -> Reply:
        sample_id = str(words["sample"])
        if sample_id not in self._job.samples or sample_id in self._tracks or sample_id in self._told:
            raise Conflict("a sample of this job is opened once")
        if self._stop.is_set() or self.over.is_set() or self.failure is not None:
            raise NotPermitted("no sample begins any more")
        try:
            opened = self._job.open(sample_id)
            session = Session(self._job.sandbox, self._job.limits.session, opened.files)
        except NotPermitted:
            self._report(self._without(sample_id, Ending.NOT_RUN, "not released"))
            raise
        except (NotFound, Conflict, Invalid, Unavailable) as error:
            self._report(self._without(sample_id, Ending.INFRASTRUCTURE, f"our own side failed ({type(error).__name__})"))
            raise
        with self._lock:
            self._tracks[sample_id] = Track(sample_id, session, opened.wanted)
        return Reply({}, opened.prompt.encode("utf-8", "replace"))

    def _exec(self, words: Mapping[str, Any], body: bytes) -> Reply:
        track = self._track(words)
        argv = [str(word) for word in words["argv"]]
        left = self._job.limits.seconds - (time.monotonic() - track.began)
        result = track.session.exec(
            argv, cwd=str(words.get("cwd") or "."), env={str(name): str(value) for name, value in dict(words.get("env") or {}).items()}, stdin=body,
            seconds=max(0.1, min(float(words.get("seconds") or self._job.limits.session.call_seconds), left)),
            output_bytes_max=int(words.get("output") or self._job.limits.session.output_bytes_max), stop=self._stop,
        )
        command = argv[-1] if argv[:1] == ["bash"] and "-c" in argv else " ".join(argv)[:65_536]
        with track.lock:
            track.tools.append(tool_record(command, result))
        said = {
            "exit": result.exit_code, "stdout": len(result.untrusted_stdout), "timed_out": result.timed_out, "truncated": result.truncated, "note": result.note,
            "trouble": result.trouble,
        }
        return Reply(said, result.untrusted_stdout + result.untrusted_stderr)

    def _read(self, words: Mapping[str, Any], _body: bytes) -> Reply:
        try:
            return Reply({}, self._track(words).session.read_file(str(words["path"]), bytes_max=int(words["limit"])))
        except FileTrouble as trouble:
            return Reply({"error": trouble.kind})

    def _write(self, words: Mapping[str, Any], body: bytes) -> Reply:
        try:
            self._track(words).session.write_file(str(words["path"]), body)
        except FileTrouble as trouble:
            return Reply({"error": trouble.kind})
        return Reply({})

    def _submit(self, words: Mapping[str, Any], body: bytes) -> Reply:
        track = self._track(words)
        with track.lock:
            if track.submission is None and track.decided is None:
                track.tools.append({"tool": "submit"})
                answer = body[: 4 * _ANSWER_BYTES_MAX].decode("utf-8", "surrogatepass")[:_ANSWER_BYTES_MAX]
                track.submission = Submission(answer, track.session.collect(track.wanted))
        return Reply({})

    def _ended(self, words: Mapping[str, Any], _body: bytes) -> Reply:
        track = self._track(words)
        with track.lock:
            if track.decided is None and track.submission is None:
                limit = {"message": "messages", "token": "tokens", "time": "time", "working": "time"}.get(str(words.get("limit") or ""))
                if limit is not None:
                    track.decided = (Ending.LIMIT, limit)
                elif words.get("error"):
                    track.decided = (Ending.INFRASTRUCTURE, "the engine failed within the sample")
                else:
                    track.decided = (Ending.GAVE_UP, "no tool call and no submission")
        self._tell(track)
        return Reply({})

    def _take_log(self, _words: Mapping[str, Any], body: bytes) -> Reply:
        if len(self._log) + len(body) > _LOG_BYTES_MAX:
            raise Invalid("a log is not as long as this")
        self._log += body
        return Reply({})

    def _take_records(self, _words: Mapping[str, Any], body: bytes) -> Reply:
        log, self._log = bytes(self._log), bytearray()
        self._job.on_log(log, body)
        return Reply({})

    def _track(self, words: Mapping[str, Any]) -> Track:
        track = self._tracks.get(str(words["sample"]))
        if track is None:
            raise NotFound("no such sample")
        return track

    def _tell(self, track: Track) -> None:
        with self._lock:
            if self._tracks.pop(track.sample_id, None) is None:
                return
        ending, note = (Ending.SUBMITTED, "") if track.submission is not None else track.decided or (Ending.INFRASTRUCTURE, "")
        incidents = (*track.session.incidents, *changed_model(track.responses))
        track.session.close()
        self._report(SampleResult(
            track.sample_id, ending, track.submission or Submission(), Transcript(self._name, tuple(track.messages), tuple(track.responses), tuple(track.tools)),
            usage_of(track.responses, self._job.generation), time.monotonic() - track.began, incidents, note, builds_of(track.responses), track.access_over,
        ))

    def _without(self, sample_id: str, ending: Ending, note: str) -> SampleResult:
        return SampleResult(sample_id, ending, Submission(), Transcript(self._name), Usage(), 0.0, note=note)

    def _report(self, result: SampleResult) -> None:
        with self._lock:
            if result.sample_id in self._told:
                return
            self._told.add(result.sample_id)
        try:
            self._on_sample(result)
        except BaseException as error:  # raised where the job was begun; nothing new begins
            self.failure = self.failure or error


__all__: Sequence[str] = ("Desk", "Track")
