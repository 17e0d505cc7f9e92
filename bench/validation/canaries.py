"""Holding the truth against the canaries: which flaws an input really triggers, without the bench and its verdicts.

Programs of ours, built and run here as they are, with their canaries switched on; nobody else's code is run.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.validation.truth import HERE, Program
from clearinghouse.disclosure.validation.recipes.records import Language

_TRIGGERED = re.compile(rb"(?m)^canary (?P<program>[a-z]+)/(?P<flaw>[a-z]+) triggered$")
_MAIN = b"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __cplusplus
extern "C"
#endif
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int main(int count, char **words) {
    FILE *file = count == 2 ? fopen(words[1], "rb") : NULL;
    if (!file) return 3;
    static uint8_t data[1 << 20];
    size_t size = fread(data, 1, sizeof data, file);
    uint8_t *copy = (uint8_t *)malloc(size ? size : 1);
    for (size_t i = 0; copy && i < size; i++) copy[i] = data[i];
    return copy ? LLVMFuzzerTestOneInput(copy, size) : 3;
}
"""
_PYTHON = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("planted", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["planted"] = module
spec.loader.exec_module(module)
class Told(list):
    def append(self, flaw):
        print("canary", flaw, "triggered", file=sys.stderr, flush=True)
module.CANARIES = Told()
if hasattr(module, "FOLDER"):
    module.FOLDER = Path(sys.argv[1]).parent / "out" / "sheets"
module.reproduce(Path(sys.argv[2]).read_bytes())
"""
_NODE = "require(process.argv[1]).reproduce(require('fs').readFileSync(process.argv[2]));"
_ADDRESS_SPACE_KILOBYTES = 400_000
"""For programs without a sanitizer, so that what wants much gets it refused."""
SECONDS = 1.0


class Canaries:
    """A program with one patch, or none, its canaries switched on."""

    def __init__(self, program: Program, change: str | None, folder: Path) -> None:
        """Lay it out in a folder, patch and build it.

        Raises:
            CalledProcessError: it does not apply or does not build.
        """
        self.program, self.folder = program, folder
        shutil.copy(program.path, folder / program.path.name)
        shutil.copy(HERE / "programs" / "canary.h", folder)
        if change is not None:
            patch = program.changes[change].path
            _run(["patch", "-p1", "--batch", "--forward", "--fuzz=0", "-i", str(patch)], folder)
        self._argv = self._prepare()

    def _prepare(self) -> list[str]:
        source = str(self.folder / self.program.path.name)
        if self.program.language is Language.PYTHON:
            return ["/bin/sh", "-c", f'ulimit -v {_ADDRESS_SPACE_KILOBYTES}; exec "$@"', "sh", sys.executable, "-I", "-c", _PYTHON, source]
        if self.program.language is Language.NODE:
            return ["node", "-e", _NODE, source]
        extra = ["-std=c++17"] if self.program.language is Language.CXX else []
        compiler = "clang++" if self.program.language is Language.CXX else "clang"
        (self.folder / "main.c").write_bytes(_MAIN)
        _run([compiler, "-g", "-O1", "-fsanitize=address", "-fno-omit-frame-pointer", "-w", "-DCANARIES", *extra, source, "main.c", "-o", "run"], self.folder)
        return [str(self.folder / "run")]

    def triggered(self, content: bytes) -> list[str]:
        """The flaws that a run triggers, each once, in order."""
        path = self.folder / "input"
        path.write_bytes(content)
        environment = {"PATH": os.environ.get("PATH", "/usr/bin"), "CANARIES": "1", "ASAN_OPTIONS": "detect_leaks=0:hard_rss_limit_mb=600"}
        try:
            ran = subprocess.run([*self._argv, str(path)], env=environment, capture_output=True, timeout=SECONDS, cwd=self.folder, check=False)
            said = ran.stderr
        except subprocess.TimeoutExpired as error:
            said = error.stderr or b""
        return list(dict.fromkeys(found["flaw"].decode() for found in _TRIGGERED.finditer(said)))


def _run(argv: list[str], folder: Path) -> None:
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)


def disagreements(program: Program, changes: list[str] | None = None) -> Iterator[str]:
    """Where the canaries say otherwise than the truth.

    Every input is run without a patch and under every patch but stubs. The first flaw that it is told to come to must be the
    first that it triggers; where it is told to come to none, none may be.
    """
    for change in [None, *(changes if changes is not None else [name for name, one in program.changes.items() if one.kind != "stub"])]:
        with tempfile.TemporaryDirectory() as place:
            canaries = Canaries(program, change, Path(place))
            for name, content in program.inputs.items():
                told = () if name.startswith("benign-") else program.mended(name, change)
                chance = any(program.flaws[flaw].stable != "stable" for flaw in told)
                found = canaries.triggered(content)
                if not chance and (found[:1] != list(told[:1])):
                    yield f"{program.name} {name} under {change}: told {list(told)}, triggered {found}"
