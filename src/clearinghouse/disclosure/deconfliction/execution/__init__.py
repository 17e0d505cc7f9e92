"""What execution says of two reports: an edge, handed over by whoever ran reproducers under patches (decision 7: the record is ours).

Belongs here: what an edge does to clusters, next to what people decided, which outranks it; the record of each edge and of its
withdrawal. Does not belong here: how one is found (`validation.matrix`). Nothing is learned from edges: only reports with a
reproducer and a patch have any, and a model that learned from them would learn what those reports look like.
"""
