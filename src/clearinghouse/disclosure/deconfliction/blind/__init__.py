"""The blind check: somebody asks whether a finding like its own is held here, and neither side learns what the other holds.

Belongs here: fingerprints, the oblivious protocol, epochs and budgets. Does not belong here: who is told what after a
match (a case's owners decide), and the network between the two sides (`app/blind_check.py`).
"""
