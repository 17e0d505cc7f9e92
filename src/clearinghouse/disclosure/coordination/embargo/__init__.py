"""The embargo: every party's terms combined into one timetable, and who has consented to what.

ISO/IEC 29147:2018, 5.6.8; the states of CERT/CC's Vultron embargo management. Belongs here: terms, the
calculator, proposals and consent, leaks. Does not belong here: sending anything to anybody.
"""
