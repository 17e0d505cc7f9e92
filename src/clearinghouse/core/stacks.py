"""Crash stacks compared: which frames tell, and how much two stacks have in common.

`core.crash` says what a frame is called; its lists are part of the format of the blind check and stay as they are. Here
more is left out (assertion and logging machinery, wrapped allocators, the runtimes of Python, Java, Go, Rust and
JavaScript), and a function that calls itself by way of others stands once, so that the depth of a document does not
matter. Frames come innermost first.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp

from clearinghouse.core.crash import is_runtime, normalise_function
from clearinghouse.core.crash_runtime import ENTRY_FUNCTIONS, PANIC_FUNCTIONS

FRAMES_MAX = 12
"""What lies further out is how the program was driven."""
_KIND_CHARACTERS_MAX = 200
_DEPTH = 0.25
"""How fast frames count less, further out: the fifth counts a third of the first."""
_SHIFT = 0.4
"""How much less an equal frame counts for each place that it stands elsewhere."""
_PROJECT = 1.0
"""What the first frame of the program's own code counts on top: below it is whoever misused a library, above it what broke."""

_MACHINERY_FUNCTIONS = frozenset({
    # Python
    "_call_with_frames_removed", "_find_and_load", "_find_and_load_unlocked", "_load_unlocked", "exec_module", "_run_code",
    "_run_module_code", "_bootstrap", "_bootstrap_inner", "<listcomp>", "<dictcomp>", "<genexpr>", "<lambda>", "Setup", "Fuzz",
    # assertions, logging, giving up
    "die", "BUG", "bug", "fatal", "fatal_error", "fancy_abort", "internal_error", "abort_message", "error_exit", "g_log", "g_logv",
    "g_assertion_message", "g_assertion_message_expr", "g_return_if_fail_warning", "qt_assert", "qt_assert_x", "qFatal",
    "QMessageLogger::fatal", "_zend_bailout", "zend_error", "zend_error_noreturn", "php_error_cb", "verror_at_line", "CHECK_FAIL",
    "assertion_failed", "assert_fail", "raise_assert", "__cxa_pure_virtual", "__cxa_bad_cast", "__cxa_call_unexpected",
    # test drivers
    "RunOneTest", "RunFuzzer", "run_one_input", "ExecuteFilesOnyByOne", "StandaloneFuzzTargetMain", "HF_ITER", "fuzz_main", "fuzz_one",
    "RunAllTests", "RUN_ALL_TESTS", "go_fuzz_main", "LLVMFuzzerRunDriver", "FuzzerDriver", "afl_main",
    # JavaScript
    "Module._compile", "Module.load", "Module._load", "Function.executeUserEntryPoint", "Object.<anonymous>", "processTicksAndRejections",
})
_MACHINERY_PREFIXES = (
    "std::", "core::", "alloc::", "__gnu_cxx::", "__cxa_", "__rust", "tokio::runtime", "rayon_core::", "boost::throw_exception",
    "boost::wrapexcept", "absl::log_internal", "absl::raw_log", "google::LogMessage", "google::base", "runtime.", "runtime/", "reflect.",
    "testing.", "sync.", "internal/", "net/http.(*conn)", "net/http.HandlerFunc", "java.lang.String", "java.lang.System", "java.util.Arrays",
    "java.util.ArrayList", "java.util.HashMap", "java.util.concurrent.", "java.util.stream.", "java.nio.", "java.lang.Integer",
    "java.lang.Thread", "sun.", "junit.", "node:", "unittest.", "pytest", "importlib.", "threading.", "concurrent.futures", "multiprocessing.",
    "__asan", "__ubsan", "fuzzed_data_provider", "FuzzedDataProvider::", "honggfuzz", "afl_",
)
_MACHINERY_PATHS = (
    "/unittest/", "/_pytest/", "/pluggy/", "/importlib/", "/threading.py", "/runpy.py", "node:internal", "internal/modules/",
    "internal/process/", "/junit/", "/googletest/", "/gtest/", "/gmock/", "/atheris/", "/hypothesis/",
)
_ALLOCATOR = re.compile(
    r"(?:_*[a-z0-9]{1,12}_{1,2}|[xesk])?(?:m|c|re|z|k|v)alloc(?:_?array|_?or_die|_?n|0|z|_r|_impl|_nofail)?|x?(?:str|mem)n?dup0?|[xk]?free",
    re.IGNORECASE,
)
"""`xmalloc`, `png_malloc`, `av_realloc_array` and the like, whoever wrapped them; a program's own `..._free` is where it frees twice."""
_ELSEWHERE = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|bower_components|vendor|vendored|_vendor|third[_-]?party|thirdparty|external|extern|"
    r"deps|dependencies|subprojects|registry/src|pkg/mod|rustc|jre|jdk|usr/lib|usr/include|usr/src|lib/python\d[\d.]*)/", re.IGNORECASE
)
"""Folders that hold what a program uses and did not write."""
_SIZES = re.compile(r"0x[0-9a-f]+|\d+|\[[^\]]{0,60}\]|\([^)]{0,120}\)|'[^']{0,120}'|\"[^\"]{0,120}\"|\b(?:read|write|of|size|bytes?)\b")
_NOT_LETTERS = re.compile(r"[^a-z]+")
_KINDS = {
    "segv": ("segv", "sigsegv", "segmentation fault", "accessviolation", "access violation", "sourceav", "sourceavnearnull", "destav",
             "destavnearnull", "branchav", "branchavnearnull", "segfaultonpc", "null dereference", "unknown crash", "bus", "sigbus"),
    "abort": ("abrt", "sigabrt", "abort", "abortsignal", "deadly signal", "safefunctioncheck", "assertion failed", "assert"),
    "divide by zero": ("fpe", "sigfpe", "divide by zero", "integer divide by zero", "float divide by zero", "division by zero"),
    "out of memory": ("oom", "out of memory", "outofmemory", "rss limit", "allocation too big", "allocation too big error"),
    "timeout": ("timeout", "hang"),
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Stack:
    """The telling frames of a crash, innermost first."""

    frames: tuple[str, ...]
    project: int = -1
    """Place of the first frame of the program's own code, -1 where paths do not say which that is."""
    line: int | None = None
    """Line of the innermost telling frame. Alone it says nothing; below equal frames it does."""


def crash_kind(untrusted_kind: str) -> str:
    """A crash's kind without sizes, values and spelling: `SEGV on unknown address 0x0` and `AccessViolation` are one."""
    plain = _SIZES.sub(" ", untrusted_kind[:_KIND_CHARACTERS_MAX].lower().replace("-", " "))
    words = _NOT_LETTERS.sub(" ", plain).split()
    text = " ".join(words[:6])
    if text in _KIND_OF:
        return _KIND_OF[text]
    return _KIND_OF.get(words[0], text) if words else ""


def telling_stack(functions: Sequence[str], paths: Sequence[str] = (), lines: Sequence[int | None] = ()) -> Stack:
    """The frames that tell one crash from another, each function once.

    Args:
        functions: as the log spells them, innermost first.
        paths, lines: of each frame in the same order; may be shorter.
    """
    names = [normalise_function(function) for function in functions]
    places = [path.replace("\\", "/") for path in (*paths, *[""] * (len(names) - len(paths)))]
    numbers = [*lines, *[None] * (len(names) - len(lines))]
    start = max((at + 1 for at, name in enumerate(names) if name in PANIC_FUNCTIONS), default=0)
    end = next((at for at, name in enumerate(names) if at >= start and name in ENTRY_FUNCTIONS), len(names))
    kept: dict[str, int] = {}
    for at in range(start, end):
        if names[at] and "?" not in names[at] and not _is_machinery(names[at], places[at]):
            kept.setdefault(names[at], at)
    chosen = list(kept.items())[:FRAMES_MAX]
    own = [place for place, (_, at) in enumerate(chosen) if places[at] and not _ELSEWHERE.search(places[at])]
    return Stack(tuple(name for name, _ in chosen), own[0] if own else -1, numbers[chosen[0][1]] if chosen else None)


def _is_machinery(name: str, path: str) -> bool:
    last = name.rsplit("::", 1)[-1]
    return (
        is_runtime(name, path) or name in _MACHINERY_FUNCTIONS or name.startswith(_MACHINERY_PREFIXES)
        or any(part in path for part in _MACHINERY_PATHS) or _ALLOCATOR.fullmatch(last) is not None
    )


@lru_cache(maxsize=65_536)
def stack_similarity(
    ours: tuple[Hashable, ...], theirs: tuple[Hashable, ...], our_project: int = -1, their_project: int = -1
) -> float:
    """What two stacks have in common, 0 to 1: equal frames in the same order, the inner ones counting most.

    The shorter stack sets the measure, so that a log cut short is not held against it. Where both stacks say which frame is
    the program's own, that frame counts twice.
    """
    shorter = min(len(ours), len(theirs))
    if not shorter:
        return 0.0
    total = sum(exp(-_DEPTH * at) for at in range(shorter))
    both = our_project >= 0 and their_project >= 0
    if both:
        total += _PROJECT * exp(-_DEPTH * min(our_project, their_project))
    above = [0.0] * (len(theirs) + 1)
    for i, one in enumerate(ours):
        row = [0.0]
        for j, other in enumerate(theirs):
            best = max(above[j + 1], row[j])
            if one == other:
                worth = exp(-_DEPTH * min(i, j))
                if both and i == our_project and j == their_project:
                    worth *= 1.0 + _PROJECT
                best = max(best, above[j] + worth * exp(-_SHIFT * abs(i - j)))
            row.append(best)
        above = row
    return min(1.0, above[-1] / total)
