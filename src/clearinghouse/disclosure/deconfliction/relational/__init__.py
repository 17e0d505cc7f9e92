"""Settling as relational steps over an engine that need not hold everything in memory: candidates, scores, clusters.

`steps` says once, in SQL that both engines read, what is joined and grouped; `portions` are the functions over one portion of
records, which call the same numpy code as a settling in memory; `duckdb` and `spark` run them. What one step leaves
is kept in a folder, so a settling that is interrupted goes on with the step it was in.

Does not belong here: rules and decisions (`settling.conclude`), and what a pair is told by.
"""
