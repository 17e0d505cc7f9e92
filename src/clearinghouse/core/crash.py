"""Crash stacks as comparable text: what of a frame says where a flaw is, free of what changes from build to build.

Everything here works on plain strings, so that intake, deconfliction and validation mean the same by
"the same frame". Frames come innermost first.
"""

import re
from collections.abc import Iterable, Sequence

from clearinghouse.core.crash_runtime import (
    ENTRY_FUNCTIONS,
    PANIC_FUNCTIONS,
    RUNTIME_FUNCTIONS,
    RUNTIME_PATHS,
    RUNTIME_PREFIXES,
)

_FUNCTION_CHARACTERS_MAX = 2_048
_OFFSET = re.compile(r"(?:\+0x[0-9a-fA-F]+(?:/0x[0-9a-fA-F]+)?)$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}\b")
_COMPILER_SUFFIX = re.compile(
    r"(?:\.(?:part|constprop|isra|llvm|lto_priv|localalias|cold|abi0|abi|cfi|clone|resume|destroy)(?:\.\d{1,20})*(?=[.\s(]|$)"
    r"|\[abi:[\w.]{1,30}\]|\$[0-9a-f]{16,64}(?:\.cfi)?)"
)
_INLINE_NAMESPACE = re.compile(r"\b(std|absl|boost)::(?:__\w{1,12}|_V2|lts_\d{1,9})::")
_ANONYMOUS = re.compile(r"(?:\(anonymous namespace\)|\{anonymous\}|`anonymous namespace'|_GLOBAL__N_1)(?:::)?")
_LAMBDA = re.compile(
    r"\{lambda\([^{}]{0,400}\)#?\d*\}|\$_\d{1,9}|'lambda\d*'|<lambda_[0-9a-f]{1,64}>|lambda\$(\w{1,80})\$\d{1,9}|\{\{closure\}\}|\{closure[#\d]{0,6}\}"
)
_GO_CLOSURE = re.compile(r"(?:\.func\d{1,6}(?:\.\d{1,6})*|\.gowrap\d{1,6}|\.deferwrap\d{1,6})+$")
_JAVA_SYNTHETIC = re.compile(r"\$\$(?:Lambda|FastClassBySpringCGLIB|EnhancerBySpringCGLIB)[\w$/.]{0,80}|\$\d{1,6}(?=\.|$)")
_RUST_ESCAPE = re.compile(r"\$(LT|GT|LP|RP|RF|BP|C|u[0-9a-f]{2})\$")
_RUST_SEGMENT = re.compile(r"(?:(?<=::)|^)_(?=\$)\$")
_RUST_ESCAPES = {"LT": "<", "GT": ">", "LP": "(", "RP": ")", "RF": "&", "BP": "*", "C": ","}
_OPERATOR = re.compile(r"operator\s*(<<=|>>=|<=>|<<|>>|<=|>=|->\*?|<|>|\(\))")
_THUNK = re.compile(r"^(?:non-)?virtual thunk to |^covariant return thunk to ")
_INTERCEPTOR = re.compile(r"^(?:__interceptor_|___interceptor_|__interceptor_trampoline_|wrap_|__asan_wrap_|__wrap_)(?=\w)")
_UNKNOWN = frozenset({"", "??", "<unknown>", "<null>", "null", "(null)", "<unknown module>"})

# Roots under which machines check code out or build it; what follows is the path inside the project.
_ROOTS = (
    re.compile(r"^.*?/(?:site-packages|dist-packages|node_modules|vendor/bundle/ruby/[\d.]+/gems)/"),
    re.compile(r"^.*?/registry/src/[^/]+/"),
    re.compile(r"^.*?/pkg/mod/"),
    re.compile(r"^.*?/(?:gopath|go)/src/"),
    re.compile(r"^.*?/execroot/[^/]+/"),
    re.compile(r"^/?rustc/[0-9a-f]{20,64}/"),
    re.compile(r"^/proc/self/cwd/"),
    re.compile(r"^/build/[^/]+-\w{6}/"),
    re.compile(r"^/(?:build|builds|builder)/(?:buildd|slave/[^/]+)/"),
    re.compile(r"^/(?:home|Users|usr/local/google/home)/[^/]+/"),
    re.compile(r"^/(?:root|src|work|workspace|app|build|code|tmp|mnt|opt|srv|data|project)/"),
    re.compile(r"^/usr/(?:local/)?(?:include|src|lib)/"),
    re.compile(r"^[A-Za-z]:/"),
    re.compile(r"^/+"),
)
_PATH_CHARACTERS_MAX = 1_024


def normalise_function(untrusted_function: str) -> str:
    """A function's qualified name without arguments, template arguments, closure numbers, hashes and offsets; empty if unknown."""
    name = untrusted_function[:_FUNCTION_CHARACTERS_MAX].strip()
    if name.lower() in _UNKNOWN:
        return ""
    name = _THUNK.sub("", name)
    if "$" in name:
        name = _RUST_ESCAPE.sub(_rust_escape, _RUST_SEGMENT.sub("$", name))
    name = _LAMBDA.sub(lambda found: found[1] or "lambda", name)
    name = _RUST_HASH.sub("", name)
    name = _OFFSET.sub("", name)
    name = _COMPILER_SUFFIX.sub("", name)
    name = _ANONYMOUS.sub("", name)
    name = _INLINE_NAMESPACE.sub(r"\1::", name)
    if name.startswith("<"):
        name = _self_type(name)
    go = _is_go(name)
    name = _without_arguments(name)
    name = _GO_CLOSURE.sub("", name) if go else _JAVA_SYNTHETIC.sub("", name)
    name = _INTERCEPTOR.sub("", name)
    return name.strip().strip(":").rstrip(".")


def normalise_path(untrusted_path: str) -> str:
    """A source path inside its project: build roots, user folders and `..` cut, `/` as separator; empty if unknown."""
    path = untrusted_path[:_PATH_CHARACTERS_MAX].strip().replace("\\", "/")
    if path.lower() in _UNKNOWN:
        return ""
    parts: list[str] = []
    for part in path.removeprefix("file://").split("/"):
        if part == ".." and parts and parts[-1]:
            parts.pop()
        elif part not in (".", ".."):
            parts.append(part)
    path = "/".join(parts)
    for root in _ROOTS:
        cut = root.sub("", path, count=1)
        if cut != path:
            return cut.lstrip("/")
    return path


def is_runtime(function: str, path: str = "") -> bool:
    """Whether a normalised frame belongs to the sanitizer, the language runtime, the fuzzer or the start-up code, not to a flaw."""
    if function in RUNTIME_FUNCTIONS or function in ENTRY_FUNCTIONS or function in PANIC_FUNCTIONS:
        return True
    return function.startswith(RUNTIME_PREFIXES) or any(part in path for part in RUNTIME_PATHS)


def significant_frames(functions: Sequence[str], paths: Sequence[str] = (), frames_max: int = 8) -> tuple[str, ...]:
    """The frames that tell one flaw from another, normalised, innermost first.

    What runs before the failure is reported (panic handlers) and what any program has (start-up, fuzzer) is
    left out; a function that calls itself stands once. Where nothing is left, the fuzzer's entry point is
    what is known.

    Args:
        functions: as the log spells them, innermost first.
        paths: source path of each frame, in the same order; may be shorter.
    """
    names = [normalise_function(function) for function in functions]
    places = [*paths, *[""] * (len(names) - len(paths))]
    start = max((number + 1 for number, name in enumerate(names) if name in PANIC_FUNCTIONS), default=0)
    end = next((number for number, name in enumerate(names) if number >= start and name in ENTRY_FUNCTIONS), len(names))
    kept = [
        name
        for name, place in zip(names[start:end], places[start:end], strict=False)
        if name and not is_runtime(name, place.replace("\\", "/"))
    ]
    if not kept:
        kept = [name for name in names if name in ENTRY_FUNCTIONS][:1]
    return tuple(fold_recursion(kept)[:frames_max])


def fold_recursion(names: Iterable[str]) -> list[str]:
    """Names without immediate repetition of one name or of a pair of names calling each other."""
    folded: list[str] = []
    for name in names:
        if folded[-1:] == [name]:
            continue
        if len(folded) >= 3 and folded[-3:] == [folded[-1], name, folded[-1]]:
            continue
        folded.append(name)
    return folded


def _rust_escape(found: re.Match[str]) -> str:
    code = found[1]
    return _RUST_ESCAPES.get(code) or chr(int(code[1:], 16))


def _self_type(name: str) -> str:
    """`<T as Trait>::method` as `T::method`."""
    depth = 0
    for position, sign in enumerate(name):
        depth += (sign == "<") - (sign == ">")
        if not depth:
            return name[1:position].split(" as ", 1)[0].replace("..", "::") + name[position + 1 :]
    return name


def _is_go(name: str) -> bool:
    return ".(*" in name or (".func" in name and "::" not in name)


def _without_arguments(name: str) -> str:
    """The name without (...) and <...>, and without a return type before it; linear, tolerant of what does not balance."""
    name = _OPERATOR.sub(lambda found: "operator" + found[1].translate(_OPERATOR_SIGNS), name)
    kept: list[str] = []
    round_depth = angle_depth = 0
    for position, sign in enumerate(name):
        if sign == "(" and name.startswith("(*", position) and round_depth == angle_depth == 0 and name[position - 1 : position] == ".":
            kept.append("\x03")  # a Go method's receiver is part of its name
            round_depth = 0
            continue
        if sign == "(":
            round_depth += 1
        elif sign == "<" and not round_depth:
            angle_depth += 1
        elif sign == ">" and angle_depth and not round_depth:
            angle_depth -= 1
        elif sign == ")" and round_depth:
            round_depth -= 1
        elif not round_depth and not angle_depth:
            kept.append(sign)
    bare = "".join(kept).replace("\x03*", "(*").translate(_OPERATOR_SIGNS_BACK)
    words = [word for word in bare.split() if word not in ("const", "volatile", "&", "&&", "[inline]", "[clone]")]
    if not words:
        return ""
    # `void ns::copy_line` leaves its return type in front; `operator new` keeps its second word.
    named = next((number for number, word in enumerate(words) if word.rsplit("::", 1)[-1] == "operator"), len(words) - 1)
    return " ".join(words[named:])


_OPERATOR_SIGNS = {ord("<"): "\x01", ord(">"): "\x02", ord("("): "\x04", ord(")"): "\x05"}
_OPERATOR_SIGNS_BACK = {1: "<", 2: ">", 4: "(", 5: ")"}
