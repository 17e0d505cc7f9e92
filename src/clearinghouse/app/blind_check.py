"""The blind check between two sides: this instance as who holds, and anybody as who asks, here or over HTTP.

    asker: commits to its findings, blinds their forms, pads every batch to one size      -> batch, cited commitments
    holder: evaluates with the epoch's key, and proves it                                  -> output
    asker: verifies against the key in the ledger's leaf, unblinds, compares with the set at home
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clearinghouse.app.channels.outward import Outward
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Conflict, Invalid, NotFound, Unavailable
from clearinghouse.disclosure.deconfliction.blind import actions, store
from clearinghouse.disclosure.deconfliction.blind.fingerprints import fingerprints
from clearinghouse.disclosure.deconfliction.blind.protocol import Asker, unpack_tags
from clearinghouse.disclosure.deconfliction.blind.records import Epoch
from clearinghouse.disclosure.intake.commitments import actions as commitments
from clearinghouse.disclosure.intake.commitments import rules as committing
from clearinghouse.disclosure.intake.commitments.records import Claim, Opening
from clearinghouse.disclosure.intake.records import Finding
from clearinghouse.disclosure.intake.sources.ndjson import render_line
from clearinghouse.ledger import actions as ledger
from clearinghouse.ledger.note import parse_verifier
from clearinghouse.ledger.proof import verify_proof

_PORTION = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """What a holder says of its current epoch."""

    epoch: str
    context: str
    """Origin of its log, for commitments."""
    public_key: bytes
    proof: str
    """Proof that the key is on the holder's ledger."""
    batch_elements: int
    batch_findings: int


class Peer(Protocol):
    """Who is asked: the side that holds findings, wherever it is."""

    def offer(self) -> Offer:
        """The current epoch."""
        ...

    def tags(self, epoch: str) -> bytes:
        """The published set."""
        ...

    def commit(self, claims: Sequence[Claim]) -> list[str]:
        """Put commitments on the holder's record; gives their ids."""
        ...

    def evaluate(self, epoch: str, elements: Sequence[bytes], cited: Sequence[str]) -> bytes:
        """Evaluate one batch."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What one finding's check came to."""

    place: int
    commitment: str
    forms: tuple[str, ...]
    matched: tuple[str, ...]
    """The forms that somebody's held finding shares; none: nothing like it is held, or it is spelled otherwise."""


# Who holds


def keep_epoch(instance: Instance) -> Epoch:
    """The epoch of this instant, begun where there is none."""
    with instance.database.read() as tx:
        standing = store.current_epoch(tx, instance.clock.now())
    if standing is not None:
        return standing
    with instance.database.write() as tx:
        return actions.begin_epoch(
            tx, actor=instance.system, envelope=instance.envelope, policy=instance.policy.blind, now=instance.clock.now()
        )


def sweep(instance: Instance, progress: Callable[[int], None] = lambda reports: None) -> int:
    """Keep an epoch, tag what is held, publish the set; gives how many reports were tagged anew."""
    epoch, policy, now = keep_epoch(instance), instance.policy.blind, instance.clock.now()
    done = actions.tag_held(instance.database, epoch.id, envelope=instance.envelope, progress=progress)
    with instance.database.read() as tx:
        old = store.system_set_is_old(tx, epoch, now - timedelta(hours=policy.set_hours))
    if old:
        with instance.database.write() as tx:
            actions.publish_set(tx, epoch, actor=instance.system, policy=policy, now=now)
    return done


def offer_of(instance: Instance) -> Offer:
    """What this instance says of its current epoch; the key's proof with it."""
    epoch, policy = keep_epoch(instance), instance.policy.blind
    proof = ledger.prove(
        instance.database, epoch.event, instance.settings.ledger_origin, instance.signer, instance.keeper, now=instance.clock.now()
    )
    return Offer(epoch.id, instance.settings.ledger_origin, epoch.public_key, proof, policy.batch_elements, policy.batch_findings)


def set_of(instance: Instance, epoch: str) -> bytes:
    """The published tags of the current epoch.

    Raises:
        NotFound: there is no such epoch now.
    """
    with instance.database.read() as tx:
        current = store.current_epoch(tx, instance.clock.now())
        body = store.read_set(tx, epoch) if current is not None and current.id == epoch else None
    if body is None:
        raise NotFound(f"no set of tags for epoch {epoch[:40]!r} now")
    return body


def evaluate(instance: Instance, epoch: str, elements: Sequence[bytes], cited: Sequence[str]) -> bytes:
    """One batch, evaluated for the actor.

    Raises:
        Conflict: the organisation's budget is used up, or a commitment was cited too often.
        NotFound, Invalid, NotPermitted: as for `actions.evaluate`.
    """
    with instance.database.write() as tx:
        found = actions.evaluate(
            tx, epoch, elements, cited, actor=instance.actor.id, envelope=instance.envelope, policy=instance.policy.blind,
            now=instance.clock.now(),
        )
    if found.refused:
        raise Conflict(found.refused)
    return found.output


class Here:
    """This instance as the holder, asked by its actor."""

    def __init__(self, instance: Instance) -> None:
        """Ask as the instance's actor."""
        self._instance = instance

    def offer(self) -> Offer:
        """The current epoch."""
        return offer_of(self._instance)

    def tags(self, epoch: str) -> bytes:
        """The published set."""
        return set_of(self._instance, epoch)

    def commit(self, claims: Sequence[Claim]) -> list[str]:
        """Put commitments on the record, some hundreds in one transaction."""
        instance, ids = self._instance, list[str]()
        for start in range(0, len(claims), _PORTION):
            with instance.database.write() as tx:
                ids += [
                    commitments.record(
                        tx, claim, asked_due=None, context=instance.settings.ledger_origin, actor=instance.actor.id,
                        policy=instance.policy.commitments, now=instance.clock.now(),
                    ).id
                    for claim in claims[start : start + _PORTION]
                ]
        return ids

    def evaluate(self, epoch: str, elements: Sequence[bytes], cited: Sequence[str]) -> bytes:
        """Evaluate one batch."""
        return evaluate(self._instance, epoch, elements, cited)


class There:
    """Another instance as the holder, over its API."""

    def __init__(self, server: str, token: str, outward: Outward) -> None:
        """Ask with a token of that instance; every call goes through the guard."""
        self._at = server.rstrip("/") + "/api/v1"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._outward = outward

    def offer(self) -> Offer:
        """The current epoch."""
        found = self._object(self._get("/blind/epoch"))
        try:
            return Offer(
                str(found["epoch"]), str(found["context"]), bytes.fromhex(str(found["public_key"])), str(found["proof"]),
                int(found["batch_elements"]), int(found["batch_findings"]),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise Invalid(f"{self._at}/blind/epoch answers something else than an epoch: {type(error).__name__}") from None

    def tags(self, epoch: str) -> bytes:
        """The published set."""
        return self._get(f"/blind/epochs/{epoch}/tags")

    def commit(self, claims: Sequence[Claim]) -> list[str]:
        """Put commitments on the holder's record, one by one."""
        return [
            str(self._object(self._post("/commitments", {
                "digest": claim.digest.hex(), "public_key": claim.public_key.hex(), "signature": claim.signature.hex(),
            })).get("id", ""))
            for claim in claims
        ]

    def evaluate(self, epoch: str, elements: Sequence[bytes], cited: Sequence[str]) -> bytes:
        """Evaluate one batch."""
        sent = {"elements": [element.hex() for element in elements], "commitments": list(cited)}
        found = self._object(self._post(f"/blind/epochs/{epoch}/evaluate", sent)).get("output", "")
        try:
            return bytes.fromhex(str(found))
        except ValueError:
            raise Invalid(f"{self._at} answers no evaluated elements") from None

    def _get(self, path: str) -> bytes:
        return self._taken(path, self._outward.get(self._at + path, self._headers))

    def _post(self, path: str, sent: Mapping[str, Any]) -> bytes:
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._taken(path, self._outward.post(self._at + path, msgspec.json.encode(sent), headers))

    def _taken(self, path: str, answer: Any) -> bytes:
        if 200 <= answer.status < 300:
            return bytes(answer.body)
        said = ""
        try:
            said = str(json.loads(answer.body).get("detail", ""))[:300]
        except (ValueError, AttributeError, RecursionError):
            said = "no reason given"
        kind = {401: Unavailable, 404: NotFound, 409: Conflict, 422: Invalid}.get(answer.status, Unavailable)
        raise kind(f"{self._at}{path} answered {answer.status}: {said}")

    def _object(self, body: bytes) -> dict[str, Any]:
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Invalid(f"{self._at} answers no JSON object")
        return found


# Who asks


def check(
    findings: Sequence[Finding], holder: Peer, *, key: Ed25519PrivateKey, log_key: str, keep: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Answered]:
    """Ask whether findings like these are held. What opens the commitments is kept in a folder before anything is sent.

    Args:
        log_key: the verifier key of the holder's log, from elsewhere than the holder's answer.
        keep: folder for openings; asked again with the same folder, the same commitments are used.
    Raises:
        Invalid: the holder's key is not on its ledger, or an answer does not verify.
        Conflict: the budget is used up; what was asked before is answered, what is kept can be asked again.
    """
    offered = holder.offer()
    check_key(offered, log_key)
    formed = [(place, finding, fingerprints(finding)) for place, finding in enumerate(findings)]
    asked = [(place, finding, forms) for place, finding, forms in formed if forms]
    claims = [_committed(finding, offered.context, key, keep) for _, finding, _ in asked]
    # On disk before anything is sent: what was committed to and cannot be opened is lost. One wait for all of them.
    os.sync()
    ids = dict(zip((place for place, _, _ in asked), holder.commit(claims), strict=True))
    held = unpack_tags(holder.tags(offered.epoch))
    matched: dict[int, list[str]] = {place: [] for place, _, _ in asked}
    portions = _portions([(place, forms) for place, _, forms in asked], offered)
    for done, portion in enumerate(portions):
        forms = [(place, form) for place, own in portion for form in own]
        asker = Asker([form for _, form in forms], offered.batch_elements)
        output = holder.evaluate(offered.epoch, asker.elements, [ids[place] for place, _ in portion])
        for (place, form), tag in zip(forms, asker.finalize(output, offered.public_key), strict=True):
            if tag in held:
                matched[place].append(form.decode())
        progress(done + 1, len(portions))
    return [
        Answered(place, ids.get(place, ""), tuple(form.decode() for form in forms), tuple(matched.get(place, ()))) for place, _, forms in formed
    ]


def check_key(offered: Offer, log_key: str) -> None:
    """Raise Invalid unless the offered key stands in a leaf of the holder's ledger: one key for everybody who asks."""
    found, signed = verify_proof(offered.proof, [parse_verifier(log_key)])
    try:
        leaf = json.loads(found.leaf)
    except ValueError:
        leaf = {}
    expected = [offered.epoch, "ristretto255:" + offered.public_key.hex()]
    if not isinstance(leaf, dict) or leaf.get("kind") != "BlindEpochBegun" or leaf.get("subjects") != expected or signed.origin != offered.context:
        raise Invalid("the holder's key is not the one on its ledger; a key of your own could tell it what you ask")


def _committed(finding: Finding, context: str, key: Ed25519PrivateKey, keep: Path) -> Claim:
    """The claim to a finding; its opening lies in the folder before the claim goes anywhere."""
    report = render_line(finding) + b"\n"
    path = keep / (hashlib.sha256(context.encode() + b"\0" + report).hexdigest()[:32] + ".opening.json")
    if path.exists():
        opening = committing.parse_opening(msgspec.json.decode(path.read_bytes()))
        digest = committing.commit(opening.document, opening.nonce)
        return Claim(digest, key.public_key().public_bytes_raw(), key.sign(committing.signed_bytes(digest, context)))
    claim, opening = committing.make(
        {"report": report}, context=context, key=key, nonce=secrets.token_bytes(32), section_nonces={"report": secrets.token_bytes(32)}
    )
    keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(_render(opening))
    return claim


def _render(opening: Opening) -> bytes:
    return json.dumps(committing.render_opening(opening), indent=1).encode()


def _portions(asked: Sequence[tuple[int, tuple[bytes, ...]]], offered: Offer) -> list[list[tuple[int, tuple[bytes, ...]]]]:
    """Findings by batches that hold all forms of each."""
    portions: list[list[tuple[int, tuple[bytes, ...]]]] = []
    for place, forms in asked:
        fits = portions and len(portions[-1]) < offered.batch_findings and sum(len(own) for _, own in portions[-1]) + len(forms) <= offered.batch_elements
        if fits:
            portions[-1].append((place, forms))
        else:
            portions.append([(place, forms)])
    return portions
