"""Proving who is there: enrolment, passwords with one-time codes, passkeys, OIDC accounts, sessions, links.

NIST SP 800-63B. Belongs here: credentials and what they open. Does not belong here: what a party may do
(`core.roles`) or see (read grants), or how a browser carries a session (the edges know).

`sessions` stands below: what is opened. `credentials` open one; `enrolment` makes a party and lets it set its
first credential; `links` carry one purpose for one party without a session.
"""
