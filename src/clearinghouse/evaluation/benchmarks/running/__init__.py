"""A run: the planned grid of families, items and epochs, asked of one model, sample by sample, and what became of every cell.

Belongs here: the grid as it was planned, opaque sample ids, what was committed and where a run goes on after a crash, what it cost, what was done to
bring out what the model can do, the controls of items, and whether the model is still the same.
Does not belong here: how a sample is run (engines), how it is graded (grading), what its numbers show (statistics).
"""
