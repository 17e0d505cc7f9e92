"""The patch bench: how far a patch holds, rung by rung. ISO/IEC 30111:2019, 7.1.5: test of a remediation.

`records` name the rungs and why one was not reached, `rules` say what a climb amounts to, `mutation` varies inputs by a seed,
`running` climbs through the workshop. A climb ends in the highest rung reached without a gap, and what stopped it. No word here
says that a flaw is gone: a patch that stops a reproducer and passes tests is wrong often enough, and only people answer for it.
"""
