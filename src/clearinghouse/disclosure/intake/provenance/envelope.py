"""What is handed over at once: one report in any format that is read here, and the block of provenance beside it.

Pure. The block is taken out of the envelope as the bytes it is.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

import msgspec

from clearinghouse.core.errors import Invalid
from clearinghouse.core.policy import RelayPolicy
from clearinghouse.disclosure.intake.provenance.block import parse_block
from clearinghouse.disclosure.intake.provenance.records import FORMAT, Block, HardeningRef
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.intake.sources.ndjson import render_line

INLINE_SOURCE = "ndjson"


@dataclass(frozen=True, slots=True)
class Handed:
    """An envelope as it was handed over."""

    digest: str
    """`sha256:HEX` of its bytes."""
    block: Block
    report: bytes
    name: str
    source: str
    """Format the report is read with; empty to find out by looking."""
    hardening: HardeningRef | None


@dataclass(frozen=True, slots=True)
class _Report:
    source: str = ""
    name: str = ""
    document: str | None = None
    finding: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class _Hardening:
    by: str
    handling_id: str
    public_issue: str = ""


@dataclass(frozen=True, slots=True)
class _Envelope:
    format: str
    report: _Report
    provenance: msgspec.Raw
    hardening: _Hardening | None = None


def parse_envelope(untrusted_envelope: bytes, policy: RelayPolicy) -> Handed:
    """An envelope whose block has the form it must have; its report is read by whoever takes it in.

    Raises:
        Invalid: it is too large, no envelope, or holds no report.
        AlteredBlock: the block was altered on its way.
    """
    if len(untrusted_envelope) > policy.envelope_bytes_max:
        raise Invalid(f"the envelope has {len(untrusted_envelope)} bytes; at most {policy.envelope_bytes_max} are taken")
    try:
        envelope = msgspec.json.decode(untrusted_envelope, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"this is no envelope of a relay: {str(error)[:200]}") from None
    if envelope.format != FORMAT:
        raise Invalid(f"the envelope is of the format {envelope.format[:40]!r}; this version reads {FORMAT!r}")
    block = parse_block(bytes(envelope.provenance), policy)
    hardening = None
    if envelope.hardening is not None:
        hardening = HardeningRef(envelope.hardening.by, envelope.hardening.handling_id, envelope.hardening.public_issue)
        if (hardening.by, hardening.handling_id) not in {(hop.by, hop.handling_id) for hop in block.chain}:
            raise Invalid("the hop responsible for the hardening is not in the chain; exactly one of its hops is")
    report, source = _report(envelope.report)
    digest = "sha256:" + hashlib.sha256(untrusted_envelope).hexdigest()
    return Handed(digest, block, report, envelope.report.name, source, hardening)


def render_envelope(finding: Finding, block: bytes, hardening: HardeningRef | None) -> bytes:
    """The envelope for the next hop; the block stands in it byte for byte."""
    beside = b"" if hardening is None else b',"hardening":' + json.dumps({
        "by": hardening.by, "handling_id": hardening.handling_id, "public_issue": hardening.public_issue,
    }, ensure_ascii=False, separators=(",", ":")).encode()
    return b'{"format":"%s","report":{"finding":%s},"provenance":%s%s}' % (FORMAT.encode(), render_line(finding), block, beside)


def _report(given: _Report) -> tuple[bytes, str]:
    if (given.document is None) == (given.finding is msgspec.UNSET):
        raise Invalid("an envelope holds one report: either `finding`, one JSON object, or `document`, a file in base64")
    if given.document is not None:
        try:
            return base64.b64decode(given.document, validate=True), given.source
        except (binascii.Error, ValueError):
            raise Invalid("`document` is no base64 (RFC 4648, section 4)") from None
    assert not isinstance(given.finding, msgspec.UnsetType), "one of the two is there"
    if given.source not in ("", INLINE_SOURCE):
        raise Invalid(f"`finding` is read as {INLINE_SOURCE}; send another format as `document`")
    try:
        # One line: the format reads one object a line.
        return msgspec.json.format(bytes(given.finding), indent=-1), INLINE_SOURCE
    except (msgspec.DecodeError, RecursionError):
        raise Invalid("`finding` is one JSON object of the format `clearinghouse-report`") from None
