"""Made-up flaws, each told in two ways: as many as a test wants, with words that no two of them share by template."""

import hashlib

from clearinghouse.disclosure.intake.records import Finding, Reference, ReferenceKind

_SYLLABLES = ("al", "bir", "ce", "dam", "el", "fi", "gor", "ha", "iv", "jun", "kal", "lo", "mir", "nor", "os", "pel")
_KINDS = (
    ("heap buffer overflow", "CWE-787", "writes past the end of a heap buffer"),
    ("use after free", "CWE-416", "frees an object that is used again later"),
    ("path traversal", "CWE-22", "lets a name leave the folder"),
    ("SQL injection", "CWE-89", "puts a parameter into a query"),
    ("infinite loop", "CWE-835", "never ends"),
)


def told(flaw: int, way: int) -> Finding:
    """A flaw in one of two ways, 0 and 1; every second one with its commit, every third with the function as a place."""
    name, function, part, file = (_word(flaw, of) for of in ("name", "function", "part", "file"))
    kind, weakness, happens = _KINDS[flaw % len(_KINDS)]
    version = f"{flaw % 9}.{flaw % 7}.{flaw}"
    words = (
        f"A crafted {part} record makes {function}() in src/{part}/{file}.c of {name} {happens} ({kind}). Versions before {version} are affected.",
        f"{name} through {version}: {kind} when {function} handles the {part} of a {file} file, since it {happens}.",
    )
    commit = hashlib.sha256(str(flaw).encode()).hexdigest()[:40]
    return Finding(
        title=(f"{kind} in {function}", f"{name}: {kind} ({function})")[way], description=words[way], products=(name,), weaknesses=(weakness,),
        symbols=(function,) if flaw % 3 == 0 else (),
        references=(Reference(f"https://github.com/{name}/{name}/commit/{commit}", ReferenceKind.COMMIT),) if flaw % 2 else (),
    )


def _word(flaw: int, of: str) -> str:
    return "".join(_SYLLABLES[byte % 16] for byte in hashlib.sha256(f"{of} {flaw}".encode()).digest()[:4])
