"""What a planned grid of outcomes shows about a model, with both kinds of error stated before anybody looks.

Belongs here: the grid and its cells, the analysis plan, intervals, sequential rules, models of the outcomes. Pure functions over numpy and
scipy: no database, no files. Does not belong here: running anything, and deciding anything: a determination is an act of people.

Others use `plan.parse_plan` and `power.check_plan` before a window opens, `looking.standing` while it runs, `checks` and `report.sealed_record`
after it, `report.reproduce` whenever somebody doubts. docs/reference/analysis.md defines every number.
"""
