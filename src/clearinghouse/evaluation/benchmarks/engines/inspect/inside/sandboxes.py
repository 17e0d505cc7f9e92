"""A sandbox provider for Inspect: every operation is a call to the desk, which runs it in a sandbox of its own."""

import errno
from typing import Any

import anyio
from calling import Refused, call
from inspect_ai.util import (
    ExecResult,
    OutputLimitExceededError,
    SandboxEnvironment,
    SandboxEnvironmentLimits,
    SandboxUnavailableError,
    SandboxUserUnsupportedError,
    sandboxenv,
)

NAME = "clearinghouse"
_FILE_ERRORS = {"FileNotFoundError": FileNotFoundError, "PermissionError": PermissionError, "IsADirectoryError": IsADirectoryError, "NotADirectoryError": NotADirectoryError}
_NUMBERS = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES, IsADirectoryError: errno.EISDIR, NotADirectoryError: errno.ENOTDIR}
_WORDS = {IsADirectoryError: "Is a directory"}


@sandboxenv(name=NAME)
class DeskSandbox(SandboxEnvironment):
    """The tools of one sample."""

    cut_output_bytes: int | None = None
    """Where it is set, output is cut there and said to be; else too much of it is an error."""

    def __init__(self, sample: str) -> None:
        super().__init__()
        self.sample = sample

    async def exec(
        self, cmd: list[str], input: str | bytes | None = None, cwd: str | None = None, env: dict[str, str] | None = None, user: str | None = None,
        timeout: int | None = None, timeout_retry: bool = True, concurrency: bool = True,
    ) -> ExecResult[str]:
        """What became of a command."""
        if user not in (None, "1000"):
            raise SandboxUserUnsupportedError("there is one user in this sandbox")
        stdin = b"" if input is None else input.encode() if isinstance(input, str) else input
        most = self.cut_output_bytes or SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE
        answer, output = await _call("exec", stdin, sample=self.sample, argv=cmd, cwd=cwd or ".", env=env or {}, seconds=timeout, output=most)
        if answer["timed_out"]:
            raise TimeoutError("Command timed out before completing.")
        if answer["trouble"] == "permission":
            raise PermissionError(errno.EACCES, "Permission denied", cmd[0])
        stdout, stderr = output[: answer["stdout"]].decode("utf-8", "replace"), output[answer["stdout"] :].decode("utf-8", "replace")
        if answer["truncated"]:
            if self.cut_output_bytes is None:
                raise OutputLimitExceededError(SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE_STR, stdout)
            stdout += "\n[the output was longer and is cut here]"
        if answer["note"]:
            stderr += f"\n[{answer['note']}]"
        code = 137 if answer["exit"] is None else answer["exit"]
        return ExecResult(success=code == 0, returncode=code, stdout=stdout, stderr=stderr)

    async def write_file(self, file: str, contents: str | bytes) -> None:
        """Put a file."""
        body = contents.encode() if isinstance(contents, str) else contents
        try:
            await _call("write", body, sample=self.sample, path=file)
        except Refused as refused:
            raise _file_error(refused.kind, file) from None

    async def read_file(self, file: str, text: bool = True) -> Any:
        """The content of a file."""
        try:
            _, body = await _call("read", sample=self.sample, path=file, limit=SandboxEnvironmentLimits.MAX_READ_FILE_SIZE)
        except Refused as refused:
            if refused.kind == "too large":
                raise OutputLimitExceededError(SandboxEnvironmentLimits.MAX_READ_FILE_SIZE_STR, None) from None
            raise _file_error(refused.kind, file) from None
        return body.decode("utf-8") if text else body

    @classmethod
    async def sample_init(cls, task_name: str, config: Any, metadata: dict[str, str]) -> dict[str, SandboxEnvironment]:
        """One for each sample; nothing is made before the desk opens its item."""
        return {"default": cls(str(metadata["sample"]))}

    @classmethod
    async def sample_cleanup(cls, task_name: str, config: Any, environments: dict[str, SandboxEnvironment], interrupted: bool) -> None:
        """The desk keeps nothing of a sample that ended."""


async def _call(do: str, body: bytes = b"", **words: Any) -> tuple[dict[str, Any], bytes]:
    try:
        return await anyio.to_thread.run_sync(lambda: call(do, body, **words), abandon_on_cancel=True)
    except Refused as refused:
        if do == "exec":
            raise SandboxUnavailableError(f"the sandbox did not run it ({refused.kind})") from None
        raise


def _file_error(kind: str, file: str) -> Exception:
    made = _FILE_ERRORS.get(kind, OSError)
    return made(_NUMBERS.get(made, errno.EIO), _WORDS.get(made, kind), file)
