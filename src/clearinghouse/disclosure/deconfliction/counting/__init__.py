"""Counting: how many CVE ids a group of reports would take, by the rules of the CVE program, as a proposal with its reasons.

`clauses` is the rule as data, with its source and date; `facts` what of a finding bears on it; `rules` the proposal, a pure
function. Nothing here acts: a person merges, splits, or asks a numbering authority.

Does not belong here: assigning ids, writing CVE records (publication).
"""
