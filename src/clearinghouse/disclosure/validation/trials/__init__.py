"""Trials: patches of a case put on the patch bench, what came of each, and the people who answer for them.

How far a patch holds is found out by `patches`; here it is asked for, kept, signed and reviewed. Does not belong here: whose patch
reaches which machine (remediation).
"""
