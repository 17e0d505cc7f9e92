"""An index in memory, for placing without a database."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearinghouse.disclosure.deconfliction.placing import Stored
from clearinghouse.disclosure.deconfliction.signature import Signature


@dataclass
class Memory:
    """The index in memory."""

    signatures: list[Signature]
    standings: list[bytes]

    def count(self) -> int:
        """How many records there are."""
        return len(self.signatures)

    def document_frequencies(self, terms: NDArray[np.uint64]) -> NDArray[np.int64]:
        """How many records have each term."""
        return np.array([sum(term in one.terms for one in self.signatures) for term in terms], np.int64)

    def postings(self, terms: NDArray[np.uint64]) -> list[NDArray[np.uint32]]:
        """Numbers of the records that have each term."""
        return [np.array([at for at, one in enumerate(self.signatures) if term in one.terms], np.uint32) for term in terms]

    def stored(self, documents: NDArray[np.uint32]) -> list[Stored]:
        """Signatures and standings, in the order asked."""
        return [Stored(self.signatures[at].to_bytes(), self.standings[at]) for at in documents.tolist()]
