"""Custody: whose word opens a sealed item, for what, until when; and the record of each opening, made before the key is used.

Belongs here: custodians' public keys, asks for a release, releases, exposures, opening. Does not belong here: how a pack is made (`packs/`), and what is
asked of a model with an item (`running/`). The server passes shares on in boxes it cannot open: a custodian opens its share at home and puts it into a
box for the run's own key.
"""

from clearinghouse.evaluation.benchmarks.custody.opening import RunKey, open_canaries, open_items
from clearinghouse.evaluation.benchmarks.custody.records import Purpose, Release, ReleaseAsk, ReleaseAskId

__all__ = ["Purpose", "Release", "ReleaseAsk", "ReleaseAskId", "RunKey", "open_canaries", "open_items"]
