"""What is well known and no report: how to tell it, what to call it, and what would be right instead."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clearinghouse.disclosure.intake.sources._tables import read_columns
from clearinghouse.disclosure.intake.sources.base import Document, dict_of, list_of, text_of


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document that holds no claim of a vulnerability."""

    what: str
    use: str
    """What would be right, as it continues `use ...`."""
    told_by: Callable[[Document], bool]


_ADVISORY = "a report (SARIF, OSV, CVE JSON, CSAF, Markdown or mail) of the flaw it is about"
_SCANNER = "the output of a vulnerability scanner, or a VEX document, that names the flaws in it"
_POLICY = "it with the instance's policy data; as a report send the flaw itself"
_EXPLOITED = "it to set priorities; a report names the flaw, its place and how it was found"

_WILDCARD = re.compile(r"^(?:\*?[\w-]*\*?[\w.*-]*\.)+[\w*-]{2,63}(?:/\S*)?$")
_PIN = re.compile(r"^[A-Za-z0-9][\w.\[\],-]{0,100}\s?(?:==|>=|<=|~=|!=|>|<)\s?[\w.*+!-]{1,60}(?:\s?[;#\\].{0,300})?$")
_EPSS_ROW = re.compile(r"^CVE-\d{4}-\d{4,10},[\d.eE+-]{1,20},[\d.eE+-]{1,20}\s*$")
_MASSCAN = re.compile(r"^\[\s{0,20}\{\s{0,20}\"ip\"\s?:\s?\"[^\"]{2,60}\",\s{0,20}\"timestamp\"\s?:.{0,60}\"ports\"\s?:", re.DOTALL)
_FIELD = re.compile(r"^(?P<name>[A-Za-z-]{4,24}): \S")
_CONTACT_FIELDS = frozenset({
    "contact", "expires", "encryption", "acknowledgments", "acknowledgements", "preferred-languages", "canonical", "policy", "hiring", "csaf", "description",
})
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"), (b"GIF8", "a GIF image"), (b"%PDF-", "a PDF"), (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a program (Windows)"), (b"\xcf\xfa\xed\xfe", "a program (Mach-O)"), (b"\x1f\x8b", "a gzip archive"), (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (b"Rar!", "a RAR archive"), (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"SQLite format 3\x00", "a database"), (b"RIFF", "a media file"), (b"\x00asm", "a program (WebAssembly)"), (b"\xca\xfe\xba\xbe", "a program (Java class or Mach-O)"),
)


def json_object(document: Document) -> dict[str, Any]:
    """The document as a JSON object; empty where it is none."""
    return dict_of(document.json) if document.head.startswith("{") else {}


def json_list(document: Document) -> list[Any]:
    """The document as a JSON list; empty where it is none."""
    return list_of(document.json) if document.head.startswith("[") else []


def first_lines(document: Document, count: int = 40) -> list[str]:
    """The first lines that say something and are no comments."""
    return [line.strip() for line in document.head.split("\n")[:count] if line.strip() and not line.lstrip().startswith("#")]


def _lines_in_head(document: Document) -> list[str]:
    """As above, without the last one, which the head may have cut."""
    lines = first_lines(document, 200)
    return lines[:-1] if len(document.text) > len(document.head) + 100 else lines


def contact_fields(document: Document) -> set[str]:
    """Names of the fields where a document is nothing but `Name: value` lines of RFC 9116 or RFC 9511; empty otherwise."""
    lines = first_lines(document)
    if document.head.startswith("-----BEGIN PGP SIGNED MESSAGE-----"):
        lines = [line for line in lines if _FIELD.match(line) and not line.startswith("Hash:")]
    found = [_FIELD.match(line) for line in lines]
    named = {each["name"].lower() for each in found if each is not None}
    # One line that is no field is a mistake in such a file; more are another kind of text.
    known = bool(named) and named <= _CONTACT_FIELDS and found.count(None) <= 1 and bool(named & {"contact", "expires"})
    return named if known else set()


def _spdx(document: Document) -> bool:
    if document.head.startswith("SPDXVersion:") or re.match(r"(?:#[^\n]{0,300}\n\s*){1,20}SPDXVersion:", document.head):
        return True
    value = json_object(document)
    return "spdxVersion" in value or "spdx.org/rdf" in str(value.get("@context", ""))[:400] or (document.head.startswith("<") and "spdx.org/rdf" in document.head)


def _sigma(document: Document) -> bool:
    return all(re.search(rf"(?m)^{name}:", document.text[:20_000]) for name in ("title", "logsource", "detection"))


def _event(document: Document) -> bool:
    event = dict_of(json_object(document).get("Event"))
    return "System" in event and ("EventData" in event or "UserData" in event)


def _scope(document: Document) -> bool:
    entries = json_list(document)
    if entries:
        return all("in_scope" in dict_of(dict_of(entry).get("targets")) for entry in entries[:10])
    lines = _lines_in_head(document)
    return len(lines) >= 3 and any("*" in line for line in lines) and all(_WILDCARD.match(line) for line in lines)


def _kev(document: Document) -> bool:
    value = json_object(document)
    return ("catalogVersion" in value and "vulnerabilities" in value) or read_columns(document)[:3] == ("cveid", "vendorproject", "product")


def _epss(document: Document) -> bool:
    if document.head.startswith("#model_version:") or read_columns(document)[:2] == ("cve", "epss"):
        return True
    return any(_EPSS_ROW.match(line) for line in first_lines(document, 3)[:1])


def _ssvc(document: Document) -> bool:
    value = json_object(document)
    if "selections" in value and "timestamp" in value:
        return True
    return {"namespace", "key", "version"} <= set(value) and bool({"values", "decision_points", "mapping", "outcome"} & set(value))


def _stix(document: Document) -> bool:
    value = json_object(document)
    if text_of(value.get("type")) == "bundle" and "objects" in value:
        return True
    return "/discovery" in value or ("api_roots" in value and "title" in value)


def _taxonomy(document: Document) -> bool:
    value = json_object(document)
    return "predicates" in value and ("namespace" in value or "expanded" in value)


def _suite(name: str) -> Callable[[Document], bool]:
    def told(document: Document) -> bool:
        value = json_object(document)
        return "tests" in value and f"{name}-test" in text_of(value.get("$schema"))

    return told


def _ocsf(document: Document) -> bool:
    value = json_object(document)
    return {"caption", "attributes", "description"} <= set(value) and bool({"extends", "uid", "name"} & set(value))


def _attack_graph(document: Document) -> bool:
    if "langID" in dict_of(json_object(document).get("metadata")):
        return True
    if document.data.startswith(b"PK\x03\x04"):
        return b"langspec.json" in document.data[:200]
    head = document.head
    return bool(re.search(r"(?m)^lang_file:|^attack_steps:", head)) or (head.startswith("assets:") and "\n  langID:" in document.text[-4_000:])


def _evaluation(document: Document) -> bool:
    if document.data.startswith(b"PK\x03\x04"):
        return b"_journal/" in document.data[:400] or (b"header.json" in document.data[:400] and document.name.endswith(".eval"))
    value = json_object(document)
    return isinstance(value.get("eval"), dict) and "status" in value and "version" in value


def _weaknesses(document: Document) -> bool:
    entries = list_of(json_object(document).get("weaknesses"))
    if entries:
        return text_of(dict_of(entries[0]).get("id")).startswith("CWE-")
    return document.head.startswith("<") and "<Weakness_Catalog" in document.head


def _schema(document: Document) -> bool:
    value = json_object(document)
    return "json-schema.org" in text_of(value.get("$schema")) and bool({"properties", "$defs", "definitions", "type", "$ref", "oneOf", "allOf"} & set(value))


def _pins(document: Document) -> bool:
    lines = _lines_in_head(document)
    return bool(lines) and all(_PIN.match(line) or line.startswith(("-r ", "-c ", "--")) for line in lines)


def _exposures(document: Document) -> bool:
    return read_columns(document) == ("party", "purl", "osv_id")


def _key(document: Document) -> bool:
    return document.head.startswith(("-----BEGIN PGP PUBLIC KEY", "-----BEGIN PGP PRIVATE KEY", "-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC KEY", "ssh-", "-----BEGIN RSA"))


def binary_kind(document: Document) -> str:
    """What a binary file is by its first bytes; empty where it is text."""
    data = document.data
    if data.startswith(b"PK\x03\x04"):
        return "a ZIP archive"
    if data[257:262] == b"ustar":
        return "a tar archive"
    named = next((what for magic, what in _MAGIC if data.startswith(magic)), "")
    if named:
        return named
    return "a binary file" if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")) else ""


KINDS = (
    Kind("an SPDX document, a bill of materials", _SCANNER, _spdx),
    Kind("Nmap output, open ports and services", "the output of a scanner that names vulnerabilities (Nuclei, Nessus, OpenVAS)", lambda d: "<nmaprun" in d.head),
    Kind("masscan output, open ports", "the output of a scanner that names vulnerabilities (Nuclei, Nessus, OpenVAS)", lambda d: _MASSCAN.match(d.head) is not None),
    Kind("a Sigma rule, which detects and reports nothing", _ADVISORY, _sigma),
    Kind("an event of a log", _ADVISORY, _event),
    Kind("the scope of a bug-bounty programme", "a campaign plan for it, or a report of a flaw in one of its targets", _scope),
    Kind("the catalogue of known exploited vulnerabilities", _EXPLOITED, _kev),
    Kind("EPSS scores", _EXPLOITED, _epss),
    Kind("an SSVC decision table, decision point or selection", _POLICY, _ssvc),
    Kind("a probing.txt (RFC 9511)", "it for a campaign; as a report send the flaw itself", lambda d: "description" in contact_fields(d)),
    Kind("a security.txt (RFC 9116)", "it as a vendor's contact; as a report send the flaw itself", lambda d: bool(contact_fields(d)) and "description" not in contact_fields(d)),
    Kind("STIX or TAXII content", _ADVISORY, _stix),
    Kind("a taxonomy of labels (TLP, PAP)", "a TLP label inside a report", _taxonomy),
    Kind("a conformance suite of package URLs", _ADVISORY, _suite("purl")),
    Kind("a conformance suite of version ranges", _ADVISORY, _suite("vers")),
    Kind("a class or object of the OCSF schema", _ADVISORY, _ocsf),
    Kind("an attack-graph language, model or scenario", "it with the defence tools; as a report send the flaw itself", _attack_graph),
    Kind("an evaluation log", "it with a model review; as a report send the flaw that was found", _evaluation),
    Kind("a list of weakness classes (CWE)", _ADVISORY, _weaknesses),
    Kind("a JSON Schema", "a document that follows it", _schema),
    Kind("a list of exposures", _ADVISORY, _exposures),
    Kind("a list of pinned requirements", _SCANNER, _pins),
    Kind("a key or certificate", "it as a contact's key; as a report send text signed or encrypted with it", _key),
)
