"""The oblivious part: a verifiable OPRF (RFC 9497, mode VOPRF, ristretto255-SHA512), batches of one size, tags of 16 bytes.

The holder evaluates what the asker blinded and proves that it used the key it published; the asker unblinds and compares at
home. The holder learns how many elements it evaluated. The asker learns the tags of its own forms, and the set of all
tags, which says nothing without the key.
"""

import hashlib
import secrets
from collections.abc import Sequence

from voprf import ristretto

from clearinghouse.core.errors import Invalid

TAG_BYTES = 16
ELEMENT_BYTES = 32
SEED_BYTES = 32
_INFO = b"clearinghouse/blind-check/v1\0"
_TAG = b"clearinghouse/blind-tag/v1\0"
_DUMMY = b"clearinghouse/blind-dummy/v1\0"


class Holder:
    """One epoch's key, on the side of who holds findings."""

    def __init__(self, seed: bytes, epoch: str) -> None:
        """The key of an epoch, derived from a seed of 32 random bytes (RFC 9497, 3.2.1)."""
        self._evaluator = ristretto.Evaluator.from_seed(seed, _INFO + epoch.encode())

    @property
    def public_key(self) -> bytes:
        """32 bytes, as published on the ledger."""
        return bytes(self._evaluator.public_key.serialize())

    def tag(self, form: bytes) -> bytes:
        """The tag of a held form."""
        return _tag(bytes(self._evaluator.evaluate_known_input(form)))

    def evaluate(self, untrusted_elements: Sequence[bytes]) -> bytes:
        """Evaluated elements with one proof for all of them.

        Raises:
            Invalid: an element is no point of the group, or there is none.
        """
        if not untrusted_elements:
            raise Invalid("a batch without an element asks nothing")
        try:
            blinded = [ristretto.BlindedInput.deserialize(element) for element in untrusted_elements]
            return bytes(self._evaluator.evaluate_batch(blinded).serialize())
        except (ValueError, TypeError, OverflowError) as error:
            raise Invalid("an element is no encoding of a ristretto255 point other than the identity (RFC 9496, 4.3.1)") from error


class Asker:
    """One batch, on the side of who asks."""

    def __init__(self, forms: Sequence[bytes], size: int) -> None:
        """Blind the forms, filled up with dummies to the size that every batch has.

        Raises:
            Invalid: there are more forms than fit.
        """
        if len(forms) > size:
            raise Invalid(f"{len(forms)} forms do not fit into a batch of {size}")
        padded = [*forms, *(_DUMMY + secrets.token_bytes(32) for _ in range(size - len(forms)))]
        # Their places say nothing about which are real.
        order = list(range(size))
        secrets.SystemRandom().shuffle(order)
        blinded = [ristretto.Client.blind(padded[place]) for place in order]
        self._clients = [client for client, _ in blinded]
        self._order = order
        self._count = len(forms)
        self.elements = tuple(bytes(element.serialize()) for _, element in blinded)

    def finalize(self, untrusted_output: bytes, public_key: bytes) -> tuple[bytes, ...]:
        """The tags of the forms, in their order.

        Raises:
            Invalid: the proof does not verify: the holder used another key than the one published.
        """
        try:
            output = ristretto.VerifiableBatchOutput.deserialize(untrusted_output)
            found = ristretto.Client.finalize_batch(self._clients, output, ristretto.PublicKey.deserialize(public_key))
        except BaseException as error:
            # The library panics where a proof is false, and what it raises then is no Exception and has no name to import.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise Invalid("the answer does not verify against the key on the ledger; nothing can be learned from it") from error
        tags = dict(zip(self._order, (_tag(bytes(each)) for each in found), strict=True))
        return tuple(tags[place] for place in range(self._count))


def pack_tags(tags: Sequence[bytes], multiple: int) -> bytes:
    """Tags sorted and put together, filled up with random ones so that their number is told in steps."""
    missing = -len(tags) % multiple if tags else multiple
    return b"".join(sorted([*tags, *(secrets.token_bytes(TAG_BYTES) for _ in range(missing))]))


def unpack_tags(untrusted_set: bytes) -> frozenset[bytes]:
    """The tags of a published set.

    Raises:
        Invalid: its length is none that such a set has.
    """
    if len(untrusted_set) % TAG_BYTES:
        raise Invalid(f"a set of tags has {TAG_BYTES} bytes for each; {len(untrusted_set)} bytes are none")
    return frozenset(untrusted_set[start : start + TAG_BYTES] for start in range(0, len(untrusted_set), TAG_BYTES))


def _tag(output: bytes) -> bytes:
    return hashlib.sha3_256(_TAG + output).digest()[:TAG_BYTES]
