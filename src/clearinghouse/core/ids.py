"""Opaque identifiers: random, typed, and of no meaning to whoever reads one.

An id is a prefix that says what it names and 26 characters of RFC 4648 base32 (130 random
bits), so that no id can be guessed, counted or ordered (decision 5 of the design).
"""

import re
import secrets
from typing import NewType

EventId = NewType("EventId", str)
PartyId = NewType("PartyId", str)
TokenId = NewType("TokenId", str)
SubmissionId = NewType("SubmissionId", str)
ReportId = NewType("ReportId", str)
CaseId = NewType("CaseId", str)
CommitmentId = NewType("CommitmentId", str)
EpochId = NewType("EpochId", str)
DecisionId = NewType("DecisionId", str)
PolicyId = NewType("PolicyId", str)
ContactId = NewType("ContactId", str)
GlassId = NewType("GlassId", str)
InvitationId = NewType("InvitationId", str)
SessionId = NewType("SessionId", str)
LinkId = NewType("LinkId", str)
ChallengeId = NewType("ChallengeId", str)
NoticeId = NewType("NoticeId", str)
HookId = NewType("HookId", str)
MailId = NewType("MailId", str)
VulnerabilityId = NewType("VulnerabilityId", str)
ThreadId = NewType("ThreadId", str)
MessageId = NewType("MessageId", str)
DocumentId = NewType("DocumentId", str)
ErasureId = NewType("ErasureId", str)
TrialId = NewType("TrialId", str)
ReviewId = NewType("ReviewId", str)
MaterialId = NewType("MaterialId", str)
ValidationId = NewType("ValidationId", str)
ReviewCaseId = NewType("ReviewCaseId", str)
AccessId = NewType("AccessId", str)
PackId = NewType("PackId", str)
RunId = NewType("RunId", str)

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_SHAPE = re.compile(r"[a-z]{2,4}_[a-z2-7]{26}")


def new_id(prefix: str) -> str:
    """A fresh id such as `rep_3kq...`; `prefix` is two to four lower-case letters."""
    number = secrets.randbits(130)
    return prefix + "_" + "".join(_ALPHABET[(number >> shift) & 31] for shift in range(0, 130, 5))


def has_shape(untrusted_id: str) -> bool:
    """Whether a text could be an id at all; says nothing about existence."""
    return _SHAPE.fullmatch(untrusted_id) is not None
