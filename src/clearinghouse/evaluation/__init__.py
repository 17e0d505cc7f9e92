"""The voluntary review of frontier models: sealed benchmarks, what their results show, and the engagement around them.

Belongs here: `statistics` (what a grid of outcomes shows), `benchmarks` (sealed items and running them), `review` (agreement, window,
determination), in that order; a step knows only the steps before it. Does not belong here: access to a model (`gateway`), running what
others wrote (`sandbox`). Nothing in it is, says or implies leave to release a model.
"""
