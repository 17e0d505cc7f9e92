"""Notices: what is to be said to a party outside, kept until it was said.

Belongs here: the outbox of mail and webhooks, subscriptions, attempts. Does not belong here: sockets
(`app/channels`), or why something is said (`app/process`).
"""
