"""What contacts decides: what is an address, and how one is looked up without being known."""

import hmac
import re
from hashlib import sha256

from clearinghouse.core.errors import Invalid
from clearinghouse.storage import Envelope

_ADDRESS_CHARACTERS_MAX = 254  # RFC 5321, 4.5.3.1.3
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def parse_address(untrusted_address: str) -> str:
    """An e-mail address with its domain in lower case and in ASCII: the form in which it is kept and compared.

    Raises:
        Invalid: it is none.
    """
    local, at, domain = untrusted_address.strip()[: _ADDRESS_CHARACTERS_MAX + 1].rpartition("@")
    try:
        # IDNA, so that two spellings of one domain are one address; the codec also bounds its labels.
        domain = domain.lower() if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    address = f"{local}{at}{domain}"
    if len(address) > _ADDRESS_CHARACTERS_MAX or _ADDRESS.fullmatch(address) is None or local.startswith(".") or ".." in address:
        raise Invalid("this is no e-mail address; write it as name@domain.example, in ASCII before the @")
    return address


def lookup_of(address: str, envelope: Envelope) -> str:
    """The keyed hash an address is found by: without the instance's key a list of addresses cannot be tried against it."""
    key = hmac.digest(envelope.index_key(), b"clearinghouse/contacts/v1", sha256)
    # Local parts differ by case in theory and in no mailbox (RFC 5321, 2.4).
    return "hmac:" + hmac.digest(key, address.casefold().encode(), sha256).hex()
