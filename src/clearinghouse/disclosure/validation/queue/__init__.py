"""The queue of the bench: validations that are asked for, cut into units of work that any number of workers share out fairly.

Belongs here: a validation and its states, who may ask and who may verify, fair shares of cases, leases, what was seen before.
Does not belong here: how a unit is done (workshop), what it amounts to (judging), what keeps it in (sandbox).
"""
