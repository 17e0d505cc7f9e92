"""Evidence: what was seen, as an in-toto statement that others can check without us, in an envelope that says who signed.

Source: in-toto Attestation Framework, Statement v1 and predicate test-result v0.1; DSSE protocol v1.0.2.
"""

from clearinghouse.disclosure.validation.evidence.statement import statement_of
from clearinghouse.ledger.dsse import Signed, check_envelope, sign_statement

__all__ = ["Signed", "check_envelope", "sign_statement", "statement_of"]
