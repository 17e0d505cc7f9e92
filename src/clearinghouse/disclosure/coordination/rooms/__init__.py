"""Case rooms: one case per flaw, its named participants, what they say and what they hold.

Belongs here: cases, participants and their report-management states, vendor status per vulnerability,
threads, messages, documents under the case's own key. Does not belong here: dates (`embargo`).
"""
