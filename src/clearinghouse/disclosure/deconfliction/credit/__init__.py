"""Credit: who was first to report a flaw, who found it on its own, and who came later, each with the reason.

Belongs here: the order that follows from receipt and commitment, and what corroborates a flaw. Does not belong here: what a
charter or an advisory says of finders, and the credits of a relayed report, which stay as its sender wrote them.
"""
