"""A bare engine for tests: a solver, an item, and the sandbox, without gateway, transcript or budget."""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.evaluation.benchmarks.records import Item, Submission
from clearinghouse.evaluation.benchmarks.solvers import ChatMessage, Solver, Speaker
from clearinghouse.sandbox import Command, Entry, Limits, Sandbox

POLICY = parse_policy(1, default_policy_document()).benchmarks
TURNS_MAX = 12
_RUN = "cp -r /in/state/. /work/ 2>/dev/null; chmod -R u+w /work; cd /work; bash /in/command 2>&1; tar -C /work -cf /out/state.tar . 2>/dev/null"


def play(solver: Solver, item: Item, sandbox: Sandbox) -> tuple[Submission, list[ChatMessage]]:
    """What a solver hands in for an item, and the conversation."""
    messages = [ChatMessage(Speaker.USER, item.prompt)]
    state: Mapping[str, bytes] = item.files
    for _ in range(TURNS_MAX):
        turn = solver.next_turn(messages)
        messages.append(ChatMessage(Speaker.ASSISTANT, turn.text, (turn.call,) if turn.call else ()))
        if turn.call is None:
            break
        state, said = run_tool(sandbox, state, turn.call.command)
        messages.append(ChatMessage(Speaker.TOOL, said, call_id=turn.call.id))
    return Submission(state.get("answer.txt", b"").decode("utf-8", "replace"), dict(state)), messages


def run_tool(sandbox: Sandbox, state: Mapping[str, bytes], command: str) -> tuple[Mapping[str, bytes], str]:
    """The files after a command, and what it said."""
    limits = Limits(30, 30, POLICY.tool_memory_bytes, POLICY.tool_processes_max, POLICY.tool_output_bytes_max, 8 << 20, POLICY.state_bytes_max, 200)
    inputs = [Entry(f"state/{name}", content) for name, content in state.items()]
    ran = sandbox.run(Command(("bash", "-c", _RUN), limits, (*inputs, Entry("command", command.encode())), keep=("state.tar",)))
    kept = dict(state)
    if "state.tar" in ran.kept:
        with tarfile.open(fileobj=io.BytesIO(ran.kept["state.tar"])) as tar:
            kept = {one.name.removeprefix("./"): tar.extractfile(one).read() for one in tar if one.isfile()}  # type: ignore[union-attr]  # plain files
    return kept, ran.untrusted_stdout.decode("utf-8", "replace")


def handed(item: Item, name: str, content: bytes) -> Submission:
    """A submission like the item's reference, with one file replaced."""
    return replace(item.reference, files={**item.reference.files, name: content})
