"""The locus rule: two reports that point at the same function for the same kind of weakness.

Beside the learned model, like identifiers, because the corpus it learns from has next to no structured places,
while what scanners, fuzzers and agents send has little else. Only places a report *points at* count (its locations,
a short list of symbols, the first telling frame of a crash); a function merely mentioned in prose agrees by
chance half the time, which was measured and is why prose is left out.

The rule needs the function, no product that contradicts, and no kind of weakness that contradicts. It adds to the
model's probability as independent evidence would, and is worth `locus_probability` of the policy: what equal top
frame and crash type were worth where that was measured (pair precision .83). Where both reports bring a stack, the stacks
have the word instead; see `weighing`.
"""

import re

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.crash import normalise_function, significant_frames
from clearinghouse.disclosure.deconfliction.signature import Signature
from clearinghouse.disclosure.deconfliction.terms import Mark
from clearinghouse.disclosure.deconfliction.tokens import Kind
from clearinghouse.disclosure.deconfliction.weaknesses import class_of_cwe
from clearinghouse.disclosure.intake.records import Finding

GROUP_MAX = 400
"""A function that more reports point at is a crossroads, not a flaw."""
_POINTED_MAX = 3
"""A report that points at more functions than this points at none."""
_FAMILIES = {
    # What goes wrong in memory is named by whoever saw it: the overflow, the crash, the hang or the leak that follows.
    1: ("overflow", "memory", "overread", "bounds", "uaf", "integer", "nullptr", "uninit", "typeconf", "zerodiv", "assert", "loop",
        "resource", "dos", "race", "leak", "format", "rce"),
    2: ("xss", "sqli", "command", "code", "injection", "crlf", "csv", "deserial", "prototype", "rce", "redos"),
    4: ("traversal", "link", "upload", "searchpath"),
    8: ("auth", "authz", "csrf", "session", "credential", "privesc", "brute", "clickjack"),
    16: ("ssrf", "xxe", "redirect", "smuggling", "origin", "cache"),
    32: ("clear", "cert", "signature", "mitm", "spoof", "timing", "random", "leak"),
}
"""Coarse families of weakness, one bit each; two reports contradict each other only when both name one and share none."""
_LAST = re.compile(r"[^:.#/>-]+$")
_KIND = np.uint64(60)


def functions_of(finding: Finding) -> tuple[str, ...]:
    """The functions a finding points at, normalised; none where it points at many."""
    named = [location.symbol for location in finding.locations if location.symbol]
    symbols = list(dict.fromkeys([*named, *finding.symbols]))
    found = {last_name(normalise_function(symbol)) for symbol in symbols} if len(symbols) <= _POINTED_MAX else set()
    if finding.crash is not None:
        frames = finding.crash.frames
        found |= {last_name(name) for name in significant_frames([f.function for f in frames], [f.path for f in frames], 1)}
    return tuple(sorted(name for name in found if len(name) >= 4))[: _POINTED_MAX + 1]


def family_of(finding: Finding) -> int:
    """The families of weakness a finding names by CWE number or by crashing; 0 where it names none."""
    classes = {
        known for weakness in finding.weaknesses
        if weakness.removeprefix("CWE-").isdigit() and (known := class_of_cwe(int(weakness.removeprefix("CWE-")))) is not None
    }
    crash = 1 if finding.crash is not None else 0
    return crash | sum(bit for bit, names in _FAMILIES.items() if classes & set(names) and bit != crash)


def agree(one: Signature, other: Signature) -> bool:
    """Whether the products two reports name do not contradict each other: a common one, or one names none."""
    ours, theirs = _names(one), _names(other)
    return not len(ours) or not len(theirs) or bool(len(np.intersect1d(ours, theirs, assume_unique=True)))


def _names(signature: Signature) -> NDArray[np.uint64]:
    chosen: NDArray[np.uint64] = signature.terms[((signature.terms >> _KIND) == Kind.NAME) & (signature.marks & Mark.NAME > 0)]
    return chosen


def last_name(name: str) -> str:
    """The last part of a qualified name, lower case."""
    found = _LAST.search(name.strip())
    return found[0].lower() if found else ""
