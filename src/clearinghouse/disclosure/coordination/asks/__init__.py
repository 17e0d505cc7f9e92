"""Asking to take part in a case one cannot see: kept for whoever owns it, answered by an invitation or not at all.

Belongs here: asks for a join, and what the coordinators of a case make of them. Does not belong here: which case an ask is
for (`app/joining.py` finds that), the invitation (`rooms`).
"""
