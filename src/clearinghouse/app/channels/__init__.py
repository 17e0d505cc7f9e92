"""The ways in which this instance speaks to the outside: mail, webhooks, and the one guard for outgoing connections.

Belongs here: sockets, mail folders, the form of a message. Does not belong here: what is said to whom and why
(`app/process`), or keeping it until it was said (`parties/notices`).
"""
