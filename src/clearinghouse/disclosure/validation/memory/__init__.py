"""What the bench has seen before, case by case: cells and builds by the digest of everything that could change them.

All of it is derived: it can be had again by running again, it is sealed under the key of its case, and ends with it. Nothing
is shared between cases: that a rival's reproducer was run before would be told by how quickly an answer comes.
"""
