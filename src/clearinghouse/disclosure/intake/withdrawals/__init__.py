"""A report that its sender takes back: it stays on the record, and is nobody's to handle until the sender reinstates it.

Belongs here: the withdrawal of a report, whether a case handles it or not, and its undoing (ISO/IEC 29147:2018, 6.2: what
was received is kept). Does not belong here: what a case makes of it (`coordination/rooms`).
"""
