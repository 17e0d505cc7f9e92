"""Times the blind check, both sides: python -m bench.blind [--held 100000] [--asked 10000] [--json].

Findings are held on SQLite as they come in; one in ten of those asked about is held. The alternative beside it is a list
of salted SHA-256 hashes of the same forms, which is what the blind check costs more than, and what any member could
enumerate.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.stored_path import Stages, fresh_instance, peak_megabytes
from clearinghouse.app import blind_check, process
from clearinghouse.app.wiring import Instance
from clearinghouse.disclosure.deconfliction.blind.fingerprints import fingerprints
from clearinghouse.disclosure.intake.records import CodeLocation, Cover, Finding
from clearinghouse.disclosure.intake.sources.ndjson import render_line

_SHARED = 10


def made(first: int, count: int) -> Iterator[Finding]:
    """Findings that each point at a function of a library of their own."""
    for number in range(first, first + count):
        name = hashlib.sha256(str(number).encode()).hexdigest()[:12]
        yield Finding(
            title=f"Overflow in read_{name}", products=(f"lib{name[:5]}",), weaknesses=("CWE-787",),
            locations=(CodeLocation(path=f"src/{name[:3]}/{name}.c", symbol=f"read_{name}"),),
        )


def without_budget(instance: Instance) -> Instance:
    """The same with budgets that a benchmark does not meet."""
    policy = instance.policy
    return replace(instance, policy=replace(
        policy, blind=replace(policy.blind, batches_per_day=10**6, batches_per_epoch=10**6),
        commitments=replace(policy.commitments, per_day_max=10**6, shut_max=10**6),
    ))


def run(folder: Path, held: int, asked: int) -> dict[str, Any]:
    """Seconds by stage, and what was found."""
    instance, stages = without_budget(fresh_instance(folder / "home")), Stages()
    file = folder / "held.jsonl"
    with file.open("wb") as lines:
        lines.writelines(render_line(finding) + b"\n" for finding in made(0, held))
    list(process.take_in(instance, [("held.jsonl", file)], cover=Cover()))
    findings = [*made(0, asked // _SHARED), *made(held, asked - asked // _SHARED)]
    with stages.timed("tag what is held"):
        blind_check.sweep(instance)
    with stages.timed("ask, both sides"):
        found = blind_check.check(
            findings, blind_check.Here(instance), key=Ed25519PrivateKey.generate(), log_key=instance.signer.verifier.render(),
            keep=folder / "keep",
        )
    with stages.timed("salted hashes instead"):
        salt = b"x" * 32
        listed = {hashlib.sha256(salt + form).digest() for finding in made(0, held) for form in fingerprints(finding)}
        plain = sum(any(hashlib.sha256(salt + form).digest() in listed for form in fingerprints(finding)) for finding in findings)
    instance.close()
    matched = sum(bool(each.matched) for each in found)
    assert matched == plain == asked // _SHARED, (matched, plain)
    seconds = stages.seconds
    both = seconds["tag what is held"] + seconds["ask, both sides"]
    return {
        "held": held, "asked": asked, "matched": matched, **{name: round(value, 2) for name, value in seconds.items()}, "both": round(both, 2),
        "times salted hashes": round(both / seconds["salted hashes instead"], 1), "megabytes": round(peak_megabytes()),
    }


def main() -> None:
    """Run at a tenth and at the whole, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.blind", description=__doc__)
    parser.add_argument("--held", type=int, default=100_000)
    parser.add_argument("--asked", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = []
    for part in (10, 1):
        with tempfile.TemporaryDirectory() as folder:
            results.append(run(Path(folder), given.held // part, given.asked // part))
    if given.json:
        print(json.dumps(results, indent=1))
        return
    for line in results:
        print("  ".join(f"{name} {value}" for name, value in line.items()))


if __name__ == "__main__":
    main()
