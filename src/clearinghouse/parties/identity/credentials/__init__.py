"""What proves who is there: a password with a one-time code, a passkey, an account at an OIDC provider.

NIST SP 800-63B (passwords 3.1.1, one-time codes 3.1.4, throttling 3.2.2), WebAuthn level 3, OpenID Connect Core 1.0.
Belongs here: setting credentials up and checking them. Does not belong here: the exchange with a provider over the
network (`app/oidc.py`), and what a session reaches.
"""

from clearinghouse.parties.identity.credentials.records import Account, Passkey, PasswordSetup, RelyingParty

__all__ = ["Account", "Passkey", "PasswordSetup", "RelyingParty"]
