"""Proving who is there: enrolment, passwords with one-time codes, passkeys, OIDC accounts, sessions, links.

NIST SP 800-63B. Belongs here: credentials and what they open. Does not belong here: what a party may do
(`core.roles`) or see (read grants).
"""
