"""Bringing the right parties together about one flaw, under an embargo everybody can defend.

ISO/IEC 29147:2018 clauses 5.5-5.6 and 6.5-6.8, ISO/IEC TR 5895 (many parties), CERT/CC's Vultron protocol.
Four parts, each standing on the one before: `rooms` (cases, participants, threads, documents), `embargo` (states
and the timetable), `capacity` (what reaches a vendor, and when) and `contact` (silence and escalation). Does not
belong here: whether two reports are one flaw (`deconfliction`), or what is published (`publication`).
"""
