"""Telling finders what a person made of their reports, within the budget of the blind check (decision 2).

Belongs here: which reports were looked at, and of which of them their sender is told by now. Does not belong here: what is told
(`app/views/telling.py`), and the letter that says so.
"""
