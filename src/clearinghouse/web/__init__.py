"""The workbench: pages rendered on the server that work without JavaScript; one file per capability.

Does not belong here: a rule, a query, an answer for programs.
"""
