"""The lead report: of the reports of one flaw, the one to work from.

Belongs here: which one leads, by what it holds or by a person's word, and the record of each change. Does not belong here: credit and
who was first, on which the lead has no bearing (`credit`).
"""
