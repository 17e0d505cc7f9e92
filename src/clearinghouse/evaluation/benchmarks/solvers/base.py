"""How a scripted solver speaks: like a chat model with one tool, and without any memory but the conversation itself."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

_HAND_IN = re.compile(r"^Hand in: /work/([A-Za-z0-9_.-]+)", re.MULTILINE)
_CANARY = re.compile(r"clearinghouse-canary-[a-z2-7]{32}")


class Speaker(StrEnum):
    """Who said something, in the words of the chat interfaces."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A wish to run the one tool there is."""

    command: str
    name: str = "bash"
    id: str = ""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation."""

    speaker: Speaker
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    """Of a tool's answer: which call it answers."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the solver says next: it calls the tool, or it is done."""

    text: str
    call: ToolCall | None = None
    answer: str | None = None
    """What it hands in, where it is done: a line that repeats what lies in the working folder."""

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to come."""
        return self.call is None


class Solver(Protocol):
    """A player of a model."""

    @property
    def name(self) -> str: ...

    def next_turn(self, messages: Sequence[ChatMessage]) -> Turn:
        """What it says after a conversation: the same after the same, on every machine."""
        ...


@dataclass(frozen=True, slots=True)
class Scripted:
    """A solver that runs fixed commands one after the other, made for the task it reads, and then is done."""

    name: str
    script: "Script"

    def next_turn(self, messages: Sequence[ChatMessage]) -> Turn:
        """The next command of the script, or the end of it."""
        task = read_task(messages)
        steps = self.script(task)
        done = sum(message.speaker is Speaker.ASSISTANT and bool(message.calls) for message in messages)
        if done < len(steps):
            said, command = steps[done]
            return Turn(said, ToolCall(command, id=f"call_{task.digest[:12]}_{done}"))
        last = next((message.text for message in reversed(messages) if message.speaker is Speaker.TOOL), "")
        lines = [line for line in last.splitlines() if line.strip()]
        return Turn("I am done.", answer=lines[-1][:2_000] if lines else "")


class Script(Protocol):
    """From a task to what is said and run, step by step."""

    def __call__(self, task: "Task", /) -> Sequence[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Task:
    """What a solver can tell of a conversation."""

    text: str
    wanted: str
    """The file to hand in."""
    canary: str
    digest: str
    """Of the text: what a solver draws from."""


def read_task(messages: Sequence[ChatMessage]) -> Task:
    """The task of a conversation, from what its user said."""
    text = "\n".join(message.text for message in messages if message.speaker is Speaker.USER)
    wanted, canary = _HAND_IN.search(text), _CANARY.search(text)
    return Task(text, wanted[1] if wanted else "answer.txt", canary[0] if canary else "", hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())


def python_command(program: str, *arguments: str) -> str:
    """A shell command that runs a Python program. Arguments are plain words of ours or of a task's file names."""
    assert "\nEND_OF_PROGRAM" not in program, "the program would end too early"
    quoted = " ".join("'" + argument.replace("'", "'\\''") + "'" for argument in arguments)
    return f"python3 - {quoted} <<'END_OF_PROGRAM'\n{program}\nEND_OF_PROGRAM"
