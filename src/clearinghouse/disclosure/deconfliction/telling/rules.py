"""How much more an organisation may be told now. One budget with the blind check: either way it learns whether a guess is held.

Being told that a report was looked at and is not known costs the same as being told that it is: what is left out would tell.
"""

from clearinghouse.core.policy import BlindPolicy
from clearinghouse.disclosure.deconfliction.telling.records import Used


def tellings_left(used: Used, policy: BlindPolicy) -> int:
    """Of how many more reports an organisation may be told now; a batch of the blind check counts as all it may ask about."""
    today = policy.batches_per_day * policy.batch_findings - used.batches_today * policy.batch_findings - used.told_today
    epoch = policy.batches_per_epoch * policy.batch_findings - used.batches_epoch * policy.batch_findings - used.told_epoch
    return max(0, min(today, epoch))


def batches_told(told: int, policy: BlindPolicy) -> int:
    """The batches of the blind check that so many tellings count as, one begun as a whole one."""
    return -(-told // policy.batch_findings)
