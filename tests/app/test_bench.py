"""The bench of an instance in the real sandbox: verdict, evidence under the instance's own key, memory, a second validator."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clearinghouse.app import bench as benches
from clearinghouse.app import validating
from clearinghouse.app.bench import bench_of, evidence_key
from clearinghouse.app.views.validations import read_bench, read_validation
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.validation.evidence import check_envelope
from clearinghouse.disclosure.validation.recipes.document import FILE_NAME, example_files, pin_document
from clearinghouse.sandbox import Sandbox
from room_cast import Cast
from sandbox_support import real_sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    yield from real_sandbox("clang", "patch", "llvm-symbolizer")


def counting(run: Callable[..., Any], counted: list[object]) -> Callable[..., Any]:
    def counts(command: object, **more: Any) -> Any:
        counted.append(command)
        return run(command, **more)

    return counts


def test_example_is_validated_kept_signed_and_remembered(sandbox: Sandbox, sqlite_instance: Instance, tmp_path: Path) -> None:
    instance = replace(sqlite_instance, policy=replace(sqlite_instance.policy, bench=replace(sqlite_instance.policy.bench, runs=2)))
    folder = tmp_path / "proof"
    folder.mkdir()
    files = example_files()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / FILE_NAME).write_text(pin_document(files["draft.toml"].decode(), files), "utf-8")
    cast = Cast(instance)
    report = cast.report(Finding(title="Overflow in the example"), "finder")
    case = cast.open(report)
    recipe = validating.add_folder(instance, case, folder)[-1]
    asked = validating.ask(instance, case, report, recipe.id)
    assert bench_of(instance, sandbox).run_once() > 0
    page = read_validation(instance, case, asked.id)
    assert (page.line.verdict, page.line.trust, page.line.level, page.line.failed) == ("validated", "T0", "bubblewrap", 0)
    assert page.limits.startswith("2 runs of the reproducer on each build")
    assert b"AddressSanitizer" in validating.read_log(instance, case, asked.id, page.cells[0].logs[0])
    evidence = validating.read_evidence(instance, case, asked.id)
    signed = check_envelope(evidence.body, [evidence_key(instance).public_key().public_bytes_raw()])
    assert (signed.digest, signed.statement["predicate"]["clearinghouse"]["validator"]) == (page.statement_digest, instance.actor.id)
    # By another validator on another host the tier stays T0, for it rests on the reporter's sources.
    again = validating.ask(instance, case, report, recipe.id)
    other = instance.acting_as(cast.party("coordinator_other"))
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr(benches, "host_name", lambda: "another")
        counted: list[object] = []
        patched.setattr(sandbox, "run", counting(sandbox.run, counted))
        assert bench_of(other, sandbox).run_once() > 0
    assert counted, "what another host saw is not taken for seen here"
    assert [(line.verdict, line.trust) for line in read_bench(instance, case).lines if line.id == again.id] == [("validated", "T0")]
