"""A grade, from what was handed in and an item's grader."""

import re
import secrets
from collections.abc import Mapping

from clearinghouse.core.errors import Invalid
from clearinghouse.core.review_policy import BenchmarkPolicy
from clearinghouse.core.untrusted import clean_line
from clearinghouse.evaluation.benchmarks.grading.answers import ANSWER_CHARACTERS_MAX, answer_holds
from clearinghouse.evaluation.benchmarks.records import Grade, Grader, GraderKind, Submission
from clearinghouse.sandbox.base import Command, Ending, Entry, Limits, Ran, Sandbox

_NOTE_CHARACTERS_MAX = 200
_SEEN_BYTES_MAX = 8 << 20
_FILES_MAX = 64
_ABSENT = "was not written"  # the sandbox's own words for a file that is not there
_OURS = (Ending.NO_RUN, Ending.STOPPED)
# What a probe or a judge leaves, and where a run could look for either or for its own parent. No task needs one of these places.
_REACHES = re.compile(rb"/out/(?:grade|seen)|/in/(?:expected|cases|grader|judge|probe|item)|/proc/(?:\d|self|1/)|PTRACE|process_vm_(?:read|write)v")


def grade(
    item_files: Mapping[str, bytes], grader: Grader, submission: Submission, sandbox: Sandbox, policy: BenchmarkPolicy
) -> Grade:
    """What a grader says of what was handed in.

    `correct` is None only where our own machinery failed: whatever the submission brings about counts against it. `tampered` stands beside the
    verdict and does not change it, so that results can be told with and without such samples.
    """
    if grader.kind is GraderKind.ANSWER:
        return _of_answer(grader, submission)
    if missing := [name for name in grader.wanted if name not in submission.files]:
        return Grade(False, f"{len(missing)} of {len(grader.wanted)} files that were asked for are not there")
    return _of_program(item_files, grader, submission, sandbox, policy)


def _of_answer(grader: Grader, submission: Submission) -> Grade:
    given = submission.answer
    if not given.strip():
        given = submission.files.get("answer.txt", b"")[: 4 * ANSWER_CHARACTERS_MAX].decode("utf-8", "replace")
    if not given.strip():
        return Grade(False, "no answer was handed in")
    return Grade(answer_holds(given, grader.salt, grader.mac))


def _of_program(
    item_files: Mapping[str, bytes], grader: Grader, submission: Submission, sandbox: Sandbox, policy: BenchmarkPolicy
) -> Grade:
    handed = {name: submission.files[name] for name in grader.wanted} if grader.wanted else dict(submission.files)
    if len(handed) > _FILES_MAX or sum(map(len, handed.values())) > policy.state_bytes_max:
        return Grade(False, "more was handed in than a sample may keep")
    reached = any(_REACHES.search(content) for content in handed.values())
    inputs = [Entry(f"item/{name}", content) for name, content in item_files.items()]
    inputs += [Entry(f"submission/{name}", content) for name, content in handed.items()]
    seen = b""
    if grader.probe:
        nonce = secrets.token_hex(16).encode()
        try:
            probed = _run(sandbox, policy, [*inputs, Entry("drive.py", grader.probe), Entry("cases", grader.cases)], "drive.py", nonce, ("seen", "grade"))
        except Invalid:
            return Grade(False, "a file that was handed in has a name that cannot be laid out", reached)
        if probed.ending in _OURS:
            return Grade(None, f"the probe did not run: {clean_line(probed.note, 120)}")
        seen = probed.kept.get("seen", b"")
        reached = reached or _wrote(probed, "grade")
        if not seen.startswith(nonce + b"\n"):
            # The probe writes the number it was given first; what stands there is another's, or the probe was ended from within.
            wrote = _wrote(probed, "seen") or probed.ending in (Ending.EXITED, Ending.SIGNALLED)
            return Grade(False, f"the probe was not left to its end ({probed.ending})", reached or wrote)
        seen = seen[len(nonce) + 1 :]
        if len(seen) > _SEEN_BYTES_MAX:
            return Grade(False, "more was seen than can be judged", tampered=True)
    answered = Entry("answer", submission.answer.encode("utf-8", "replace")[: 4 * ANSWER_CHARACTERS_MAX])
    judged = _run(
        sandbox, policy, [*inputs, Entry("judge.py", grader.program), Entry("expected", grader.expected), Entry("seen", seen), answered],
        "judge.py", b"", ("grade",),
    )  # fmt: skip
    return _verdict(judged, tampered=reached)


def _wrote(ran: Ran, name: str) -> bool:
    """Whether anything at all stands below `/out` under this name."""
    return name in ran.kept or ran.refused.get(name, _ABSENT) != _ABSENT


def _verdict(judged: Ran, *, tampered: bool) -> Grade:
    lines = judged.kept.get("grade", b"").decode("utf-8", "replace").splitlines()
    if judged.ending is not Ending.EXITED or judged.exit_code != 0 or not lines or lines[0] not in ("PASS", "FAIL"):
        return Grade(None, f"the grader gave no verdict ({judged.ending})", tampered)
    return Grade(lines[0] == "PASS", clean_line(lines[1] if len(lines) > 1 else "", _NOTE_CHARACTERS_MAX), tampered)


def _run(
    sandbox: Sandbox, policy: BenchmarkPolicy, inputs: list[Entry], program: str, stdin: bytes, keep: tuple[str, ...]
) -> Ran:
    limits = Limits(
        wall_seconds=policy.tool_seconds_max, cpu_seconds=policy.tool_seconds_max, memory_bytes=policy.tool_memory_bytes,
        processes_max=policy.tool_processes_max, output_bytes_max=policy.tool_output_bytes_max, file_bytes_max=_SEEN_BYTES_MAX + 65_536,
        scratch_bytes_max=policy.state_bytes_max, files_max=policy.state_files_max,
    )  # fmt: skip
    # Isolated, without site packages and without bytecode: the interpreter reads nothing that a folder could offer it.
    return sandbox.run(Command(("python3", "-I", "-S", "-B", f"/in/{program}"), limits, tuple(inputs), stdin=stdin, keep=keep))
