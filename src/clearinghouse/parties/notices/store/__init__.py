"""Where notices, subscriptions and received mail are kept: the only SQL of this capability."""

from clearinghouse.parties.notices.store import hooks, mail, notices

__all__ = ["hooks", "mail", "notices"]
