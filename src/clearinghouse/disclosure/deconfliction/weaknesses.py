"""Weakness classes: what kind of flaw a text speaks of, from its words and its CWE numbers.

Databases name the same class in many ways ("XSS", "CWE-79", "improper neutralization of input").
The table is coarse on purpose: it says whether two records can be about the same kind of flaw at
all, not which entry of CWE is the right one.
"""

from collections.abc import Collection

_WORDS: tuple[tuple[str, str], ...] = (
    ("xss", "xss"), ("cross site scripting", "xss"), ("javascript inject", "xss"), ("html inject", "xss"),
    ("csrf", "csrf"), ("xsrf", "csrf"), ("cross site request forgery", "csrf"),
    ("sqli", "sqli"), ("sql injection", "sqli"), ("nosql injection", "sqli"),
    ("ssrf", "ssrf"), ("server side request forgery", "ssrf"),
    ("xxe", "xxe"), ("xml external entity", "xxe"), ("external entity", "xxe"),
    ("path traversal", "traversal"), ("directory traversal", "traversal"), ("local file inclusion", "traversal"),
    ("lfi", "traversal"), ("zip slip", "traversal"), ("arbitrary file read", "traversal"),
    ("symlink", "link"), ("symbolic link", "link"),
    ("file upload", "upload"), ("unrestricted upload", "upload"), ("upload arbitrary file", "upload"),
    ("command injection", "command"), ("shell injection", "command"), ("os command", "command"),
    ("argument injection", "command"), ("shell metacharacter", "command"),
    ("code injection", "code"), ("eval injection", "code"), ("remote code execution", "rce"), ("rce", "rce"),
    ("execute arbitrary code", "rce"), ("arbitrary code execution", "rce"), ("remote command execution", "rce"),
    ("template injection", "code"), ("ssti", "code"), ("expression language injection", "code"),
    ("ldap injection", "injection"), ("crlf injection", "crlf"), ("header injection", "crlf"),
    ("response splitting", "crlf"), ("request smuggling", "smuggling"), ("csv injection", "csv"),
    ("formula injection", "csv"), ("log injection", "crlf"), ("xpath injection", "injection"),
    ("deserialization", "deserial"), ("deserialize", "deserial"), ("unserialize", "deserial"),
    ("prototype pollution", "prototype"), ("mass assignment", "prototype"),
    ("open redirect", "redirect"), ("clickjacking", "clickjack"), ("ui redress", "clickjack"),
    ("use after free", "uaf"), ("double free", "uaf"), ("dangling pointer", "uaf"), ("invalid free", "uaf"),
    ("buffer overflow", "overflow"), ("stack overflow", "overflow"), ("heap overflow", "overflow"),
    ("buffer overrun", "overflow"), ("out bound write", "overflow"), ("memory corruption", "memory"),
    ("memory safety", "memory"), ("out bound read", "overread"), ("buffer over read", "overread"),
    ("out bound", "bounds"), ("out of bounds", "bounds"), ("integer overflow", "integer"),
    ("integer underflow", "integer"), ("divide by zero", "zerodiv"), ("division by zero", "zerodiv"),
    ("null pointer", "nullptr"), ("null dereference", "nullptr"), ("nil pointer", "nullptr"),
    ("type confusion", "typeconf"), ("uninitialized memory", "uninit"), ("uninitialized", "uninit"),
    ("data race", "race"), ("race condition", "race"), ("toctou", "race"), ("deadlock", "race"),
    ("denial service", "dos"), ("dos", "dos"), ("redos", "redos"), ("regular expression denial", "redos"),
    ("catastrophic backtracking", "redos"), ("infinite loop", "loop"), ("infinite recursion", "loop"),
    ("uncontrolled recursion", "loop"), ("resource exhaustion", "resource"), ("memory exhaustion", "resource"),
    ("resource consumption", "resource"), ("memory leak", "resource"), ("decompression bomb", "resource"),
    ("zip bomb", "resource"), ("assertion failure", "assert"), ("reachable assertion", "assert"),
    ("format string", "format"), ("timing attack", "timing"), ("side channel", "timing"), ("timing", "timing"),
    ("authentication bypass", "auth"), ("improper authentication", "auth"), ("missing authentication", "auth"),
    ("authorization", "authz"), ("access control", "authz"), ("permission", "authz"), ("idor", "authz"),
    ("insecure direct object", "authz"), ("privilege escalation", "privesc"), ("elevation privilege", "privesc"),
    ("gain privilege", "privesc"), ("escalate privilege", "privesc"), ("elevate privilege", "privesc"),
    ("session fixation", "session"), ("session", "session"), ("hardcoded credential", "credential"),
    ("hard coded", "credential"), ("default credential", "credential"), ("default password", "credential"),
    ("brute force", "brute"), ("rate limit", "brute"), ("information disclosure", "leak"),
    ("sensitive information", "leak"), ("information exposure", "leak"), ("information leak", "leak"),
    ("cleartext", "clear"), ("plaintext", "clear"), ("certificate validation", "cert"), ("certificate", "cert"),
    ("signature verification", "signature"), ("man middle", "mitm"), ("spoofing", "spoof"), ("spoof", "spoof"),
    ("malicious package", "malicious"), ("malicious code", "malicious"), ("backdoor", "malicious"),
    ("typosquat", "malicious"), ("unsound", "unsound"), ("unmaintained", "unmaintained"),
    ("weak random", "random"), ("insecure random", "random"), ("dns rebinding", "origin"), ("cors", "origin"),
    ("same origin", "origin"), ("cache poisoning", "cache"), ("dll hijacking", "searchpath"),
    ("search path", "searchpath"), ("sandbox escape", "sandbox"), ("sandbox bypass", "sandbox"),
)

_CWE: dict[int, str] = {
    79: "xss", 80: "xss", 83: "xss", 87: "xss", 352: "csrf", 89: "sqli", 564: "sqli", 943: "sqli", 918: "ssrf",
    611: "xxe", 776: "xxe", 827: "xxe", 22: "traversal", 23: "traversal", 24: "traversal", 25: "traversal",
    26: "traversal", 27: "traversal", 29: "traversal", 35: "traversal", 36: "traversal", 73: "traversal",
    98: "traversal", 59: "link", 61: "link", 434: "upload", 77: "command", 78: "command", 88: "command",
    94: "code", 95: "code", 96: "code", 917: "code", 1336: "code", 90: "injection", 91: "injection",
    643: "injection", 93: "crlf", 113: "crlf", 117: "crlf", 444: "smuggling", 1236: "csv", 502: "deserial",
    1321: "prototype", 915: "prototype", 601: "redirect", 1021: "clickjack", 416: "uaf", 415: "uaf", 825: "uaf",
    590: "uaf", 120: "overflow", 121: "overflow", 122: "overflow", 787: "overflow", 124: "overflow",
    119: "memory", 125: "overread", 126: "overread", 127: "overread", 129: "bounds", 190: "integer",
    191: "integer", 680: "integer", 681: "integer", 369: "zerodiv", 476: "nullptr", 843: "typeconf",
    908: "uninit", 457: "uninit", 909: "uninit", 362: "race", 367: "race", 667: "race", 1333: "redos",
    835: "loop", 674: "loop", 834: "loop", 400: "resource", 770: "resource", 401: "resource", 409: "resource",
    789: "resource", 772: "resource", 404: "resource", 405: "resource", 617: "assert", 134: "format",
    203: "timing", 208: "timing", 385: "timing", 287: "auth", 306: "auth", 288: "auth", 290: "auth",
    294: "auth", 303: "auth", 305: "auth", 862: "authz", 863: "authz", 284: "authz", 285: "authz", 639: "authz",
    276: "authz", 732: "authz", 275: "authz", 281: "authz", 552: "authz", 425: "authz", 269: "privesc",
    250: "privesc", 264: "privesc", 266: "privesc", 384: "session", 613: "session", 798: "credential",
    259: "credential", 321: "credential", 521: "credential", 1188: "credential", 1392: "credential",
    307: "brute", 200: "leak", 209: "leak", 532: "leak", 538: "leak", 201: "leak", 497: "leak", 668: "leak",
    312: "clear", 319: "clear", 311: "clear", 256: "clear", 522: "clear", 295: "cert", 297: "cert", 296: "cert",
    347: "signature", 345: "signature", 300: "mitm", 506: "malicious", 330: "random", 331: "random",
    338: "random", 335: "random", 346: "origin", 942: "origin", 350: "origin", 349: "cache", 426: "searchpath",
    427: "searchpath", 428: "searchpath", 693: "sandbox", 265: "sandbox",
}


def _table(stem: dict[str, str]) -> dict[str, tuple[tuple[frozenset[str], str], ...]]:
    rules: dict[str, list[tuple[frozenset[str], str]]] = {}
    for phrase, name in _WORDS:
        words = [stem.get(word, word) for word in phrase.split()]
        # Filed under the word that is rarest in advisories, which is the longest often enough.
        rules.setdefault(max(words, key=len), []).append((frozenset(words), name))
    return {word: tuple(found) for word, found in rules.items()}


class WeaknessWords:
    """Finds the classes a set of word stems speaks of; built once per stemmer."""

    def __init__(self, stem: dict[str, str]) -> None:
        """Take the stem of each word the table uses."""
        self._rules = _table(stem)

    def classes(self, stems: Collection[str]) -> set[str]:
        """Classes all of whose words occur; the order of the words does not count."""
        found: set[str] = set()
        for word in stems:
            for needed, name in self._rules.get(word, ()):
                if all(other in stems for other in needed):
                    found.add(name)
        return found


def phrase_words() -> list[str]:
    """Every word of the table, for the stemmer to stem."""
    return sorted({word for phrase, _ in _WORDS for word in phrase.split()})


def class_of_cwe(number: int) -> str | None:
    """The class of a CWE number, or None where the table has no opinion."""
    return _CWE.get(number)
