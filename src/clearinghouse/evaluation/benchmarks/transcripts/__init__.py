"""What was said and done in a sample, sealed; and the people who read it: flagged ones first, and a share that chance chose before anybody knew a result.

Does not belong here: what a finding does to a statistic (statistics), what an incident is (sessions).
"""
