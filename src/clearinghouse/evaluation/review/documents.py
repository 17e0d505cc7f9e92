"""The statements of a review: what two sides agree, what a plan says, what people determine, as in-toto statements of our own predicates.

All are canonical JSON (RFC 8785), so that the same statement has the same digest, and are signed in DSSE envelopes that public tools read.
"""

import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import rfc8785

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Invalid
from clearinghouse.core.review_policy import ReviewPolicy
from clearinghouse.core.untrusted import clean_text
from clearinghouse.evaluation.review.records import Document, DocumentKind, ModelIdentity, Review, Variant

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATES = {kind: f"https://open-clearinghouse.dev/{kind.value.replace('_', '-')}/v1" for kind in DocumentKind}
CONFERS = (
    "Participation is voluntary. This document is no legal advice, confers no right and imposes no condition on any release. "
    "The end of a window without a statement says nothing about the model."
)
"""Stands in every document (Executive Order 14409, sections 3(c) and 5(c))."""
WORDS = ("covered", "not_covered", "undetermined")
"""What a determination may say; the threshold is the frozen plan's."""
_ACCESS_LEVELS = ("AL1", "AL2", "AL3")
"""Black box, grey box, white box (arXiv 2601.11916)."""
_CHARACTERS_MAX = 4_000
_DOCUMENT_BYTES_MAX = 200_000
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_UPSTREAM = re.compile(r"[a-z0-9-]{1,32}")
"""As the gateway's settings name one: signed terms that no gateway can serve would have to be signed anew."""

_AGREEMENT: dict[str, tuple[type, ...]] = {
    "purpose": (str,), "environment": (str,), "access_level": (str,), "upstream": (str,), "window_hours": (int,), "persons": (list,),
    "transcripts_retained_days": (int,), "prompts_retained_by_developer": (bool,), "logging": (str,), "output_handling": (str,),
    "assessment_to": (str,), "plan_shown": (bool,), "publication": (str,), "legal_basis": (str,),
}
"""Fields of an agreement and what each is; all are needed, none besides."""


def statement(kind: DocumentKind, review: Review, predicate: Mapping[str, Any]) -> bytes:
    """The canonical bytes of a statement about the model under review."""
    named = f"{review.model.developer}/{review.model.name}@{review.model.version}#{review.model.variant}"
    return rfc8785.dumps({
        "_type": STATEMENT_TYPE,
        "subject": [{"name": named, "digest": {"sha256": identity_digest(review.model)}}],
        "predicateType": PREDICATES[kind],
        "predicate": {"review": review.id, "round": review.round, "policy_version": review.policy_version, "confers": CONFERS, **predicate},
    })


def identity_digest(model: ModelIdentity) -> str:
    """SHA-256, in hexadecimal, of a model's identity as stated: names, version, variant and build."""
    stated = {
        "developer": model.developer, "name": model.name, "version": model.version, "variant": model.variant.value,
        "build": model.build_digest,
    }
    return hashlib.sha256(rfc8785.dumps(stated)).hexdigest()


def version_key(model: ModelIdentity, developer_id: str) -> str:
    """What the hours of a model version are counted under: its developer, name and version, however they are typed; variants share them."""
    folded = (unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()) for text in (model.name, model.version))
    typed = "\0".join((developer_id, *(" ".join(text.split()) for text in folded)))
    return "sha256:" + hashlib.sha256(b"clearinghouse/model-version/v1\0" + typed.encode()).hexdigest()


def predicate_of(document: Document) -> dict[str, Any]:
    """What a document says, without its frame."""
    predicate: dict[str, Any] = json.loads(document.payload)["predicate"]
    return predicate


def digest_of(payload: bytes) -> str:
    """The name of a payload."""
    return "sha256:" + hashlib.sha256(payload).hexdigest()


def parse_agreement(untrusted_document: str, review: Review, policy: ReviewPolicy) -> dict[str, Any]:
    """The predicate of an agreement, from a TOML document.

    Raises:
        Invalid: a field is missing, unknown, of another type or out of bounds; open weights and an obligation after release. Says which.
    """
    if len(untrusted_document.encode()) > _DOCUMENT_BYTES_MAX:
        raise Invalid(f"an agreement has at most {_DOCUMENT_BYTES_MAX} bytes")
    try:
        found = tomllib.loads(untrusted_document)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"the agreement is no TOML: {error}") from None
    except RecursionError:
        raise Invalid("the agreement nests deeper than anything that it has a field for") from None
    missing, unknown = sorted(set(_AGREEMENT) - set(found)), sorted(set(found) - set(_AGREEMENT))
    if missing or unknown:
        raise Invalid(f"the agreement lacks {', '.join(missing) or 'nothing'}; it has unknown {', '.join(one[:40] for one in unknown) or 'nothing'}")
    for name, kinds in _AGREEMENT.items():
        if type(found[name]) not in kinds:
            raise Invalid(f"the agreement's {name} must be {' or '.join(kind.__name__ for kind in kinds)}; found {type(found[name]).__name__}")
    _check_agreement(found, policy)
    texts = {name: _text(name, value) for name, value in found.items() if isinstance(value, str)}
    return {
        **found, **texts, "persons": [_text("persons", one) for one in found["persons"]],
        "model": {
            "developer": review.model.developer, "name": review.model.name, "version": review.model.version,
            "variant": review.model.variant.value, "build_digest": review.model.build_digest, "open_weights": review.model.open_weights,
        },
        "incident_notice_hours": policy.incident_notice_hours, "reply_days": policy.reply_days,
    }


def _check_agreement(found: Mapping[str, Any], policy: ReviewPolicy) -> None:
    if not 1 <= found["window_hours"] <= policy.window_hours_max:
        raise Invalid(f"the agreement's window_hours must be 1 to {policy.window_hours_max}; found {found['window_hours']}")
    if not 1 <= found["transcripts_retained_days"] <= policy.destruction_days_max:
        raise Invalid(
            f"the agreement's transcripts_retained_days must be 1 to {policy.destruction_days_max}, counted from the end of the window; "
            f"found {found['transcripts_retained_days']}"
        )
    if not _UPSTREAM.fullmatch(found["upstream"]):
        raise Invalid("the agreement's upstream is the name of a model at the gateway: 1 to 32 small letters, digits and dashes")
    if found["access_level"] not in _ACCESS_LEVELS:
        raise Invalid(f"the agreement's access_level must be one of {', '.join(_ACCESS_LEVELS)}")
    if not found["persons"] or len(found["persons"]) > 100 or not all(isinstance(one, str) for one in found["persons"]):
        raise Invalid("the agreement's persons must name one to a hundred people who may use the model")
    if found["prompts_retained_by_developer"]:
        raise Invalid("sealed items need a developer that keeps no prompts: prompts_retained_by_developer must be false")


def _text(name: str, untrusted_text: object) -> str:
    cleaned = clean_text(str(untrusted_text), _CHARACTERS_MAX).strip()
    if not cleaned:
        raise Invalid(f"the agreement's {name} is empty")
    return cleaned


def parse_model(developer: str, untrusted_name: str, untrusted_version: str, variant: str, build_digest: str, open_weights: bool) -> ModelIdentity:
    """What is to be reviewed.

    Raises:
        Invalid: name or version is missing, the variant is unknown, or the digest has not its form.
    """
    name, version = (clean_text(text, 200).strip() for text in (untrusted_name, untrusted_version))
    if not name or not version:
        raise Invalid("a review is of one version of one model: give its name and its version")
    if variant not in set(Variant):
        raise Invalid(f"a variant is one of {', '.join(Variant)}; found {variant[:40]!r}")
    if build_digest and not _DIGEST.fullmatch(build_digest):
        raise Invalid("a build digest is sha256: and 64 hexadecimal digits")
    return ModelIdentity(developer, name, version, Variant(variant), build_digest, open_weights)


def determination_predicate(
    word: str, untrusted_reasons: str, *, threshold: Mapping[str, Any], plan_digest: str, item_root: str, record_digest: str,
    assessment_digest: str, consulted: list[dict[str, str]], authority: str, supersedes: str | None, now: datetime,
) -> dict[str, Any]:
    """What two people sign.

    Raises:
        Invalid: the word is none of ours, or no reasons are given.
    """
    if word not in WORDS:
        raise Invalid(f"a determination says one of {', '.join(WORDS)}; found {word[:40]!r}")
    reasons = clean_text(untrusted_reasons, 20_000).strip()
    if not reasons:
        raise Invalid("a determination needs reasons: it is people's act, and others must be able to follow it")
    return {
        "determination": word, "reasons": reasons, "threshold": dict(threshold), "plan": plan_digest, "item_root": item_root,
        "record": record_digest, "assessment": assessment_digest, "consulted": consulted, "authority": authority, "supersedes": supersedes,
        "drawn_up_at": render_instant(now),
    }
