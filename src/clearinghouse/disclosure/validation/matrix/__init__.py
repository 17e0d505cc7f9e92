"""The matrix: reproducers of one component by patches, and what execution says of which reports are one flaw.

`records` are its words, `rules` the pure decisions (guards, edges, groups), `splitting` takes a patch apart, `running`
fills what is missing through the workshop. Nothing here compares across components, and nothing here joins anything:
what follows for clusters is deconfliction's, which is handed the edges.

What others use: `rules.weigh(reports, patches, cells, policy)` and `running.fill(...)`.
"""
