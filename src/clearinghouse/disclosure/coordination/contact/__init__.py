"""Contact with parties: the log of attempts, the clock of silence, and what follows on it.

Belongs here: contact attempts, acknowledgement, escalation, the maintainer-of-last-resort clock. Does not
belong here: the message itself (`parties/notices`).
"""
