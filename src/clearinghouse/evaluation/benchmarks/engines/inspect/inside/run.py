"""The samples of a job, by Inspect. Started with `-I` in a venue; finds two sockets and nothing else."""

import sys

sys.path.insert(0, "/engine")

import hashlib
import json
import socket
import threading
from pathlib import Path
from typing import Any

from calling import MODEL, Refused, call
from inspect_ai import Task, eval
from inspect_ai.agent import AgentState, AgentSubmit, as_solver, react
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig, get_model
from inspect_ai.scorer import Score, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import Tool, ToolDef, bash, tool
from inspect_ai.util import LimitExceededError
from sandboxes import NAME, DeskSandbox

NUDGE = "Please go on with the next step. If you have completed the task, call the submit tool with your answer."
NUDGES_MAX = 3
SAMPLE_HEADER = "X-Clearinghouse-Sample"
LOGS = Path("/tmp/log")
_PIECE = 16 << 20


def forward() -> int:
    """A port on the loopback that leads to the model's socket: clients of models know addresses alone. Gives the port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)

    def carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for each in (source, target):
                each.close()

    def accept() -> None:
        while True:
            near, _ = listening.accept()
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            far.connect(MODEL)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listening.getsockname()[1])


@tool(name="submit", parallel=False)
def submit(sample: str) -> Tool:
    """Hand in an answer."""

    async def execute(answer: str) -> str:
        """Hand in the answer. The task ends with it.

        Args:
            answer: The answer.
        """
        call("submit", answer.encode("utf-8", "surrogatepass"), sample=sample)
        return answer

    return execute


@solver
def converse(job: dict[str, Any], base_url: str) -> Solver:
    """The scaffold: two tools, and being asked to go on."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        sample = str(state.sample_id)
        try:
            _, prompt = call("open", sample=sample)
        except Refused:
            raise RuntimeError("the desk opens no such sample now") from None
        nudges = 0

        async def go_on(so_far: AgentState) -> bool | str:
            nonlocal nudges
            if so_far.output.stop_reason == "content_filter":
                return False
            if so_far.output.message.tool_calls:
                nudges = 0
                return True
            nudges += 1
            return NUDGE if nudges <= NUDGES_MAX else False

        model = get_model(
            f"openai-api/desk/{job['model']}", base_url=base_url, api_key="none", memoize=False,
            config=GenerateConfig(extra_headers={SAMPLE_HEADER: sample}, max_retries=0, max_connections=job["at_once"], timeout=86_400, attempt_timeout=86_400),
        )
        state.messages = [ChatMessageSystem(content=job["system"]), ChatMessageUser(content=prompt.decode())]
        agent = react(
            prompt=None, tools=[ToolDef(bash(timeout=max(1, int(job["call_seconds"]))), parallel=False)], model=model, attempts=1, on_continue=go_on,
            submit=AgentSubmit(tool=submit(sample), answer_only=True, keep_in_messages=True),
        )
        ended: dict[str, Any] = {"error": True}
        try:
            state = await as_solver(agent)(state, generate)
            ended = {}
        except LimitExceededError as limit:
            ended = {"limit": limit.type}
            raise
        finally:
            # Not awaited: in a sample whose time is up nothing can be awaited any more.
            call("ended", sample=sample, **ended)
        state.completed = True
        return state

    return solve


@scorer(metrics=[])
def collected() -> Any:
    """No score: what was handed in is graded by the desk."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score.unscored(reason="graded elsewhere")

    return score


def main() -> None:
    """Run the job, and hand over what was written down."""
    job, _ = call("job")
    base_url = f"http://127.0.0.1:{forward()}/v1"
    DeskSandbox.cut_output_bytes = job["output_bytes"]
    LOGS.mkdir(parents=True)
    dataset = MemoryDataset([Sample(id=sample, input=sample, metadata={"sample": sample}) for sample in job["samples"]])
    task = Task(dataset=dataset, solver=converse(job, base_url), scorer=collected(), sandbox=NAME, name="samples")
    eval(
        task, model=None, display="none", score_display=False, log_realtime=False, ctl_server=False, log_model_api=False, fail_on_error=False, log_dir=str(LOGS),
        log_format="eval", max_samples=job["at_once"], max_sandboxes=job["at_once"], max_tool_output=0, log_samples=True, log_images=False, acp_server=False,
        time_limit=int(job["seconds"]) + 60, message_limit=4 * job["messages"] + 40,
    )
    from reading import records_of

    for path in sorted(LOGS.glob("*.eval")):
        content = path.read_bytes()
        for begin in range(0, len(content), _PIECE):
            call("log", content[begin : begin + _PIECE])
        records = records_of(str(path))
        records["log"] = "sha256:" + hashlib.sha256(content).hexdigest()
        call("records", json.dumps(records, sort_keys=True).encode())


if __name__ == "__main__":
    main()
