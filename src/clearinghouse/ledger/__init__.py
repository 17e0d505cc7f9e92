"""The tamper-evident record: every event is a leaf of an RFC 6962 tree with signed checkpoints.

Belongs here: leaves, the tree and its tiles, signed notes, checkpoints, proofs, the keeper of the
last checkpoint outside the database, and `actions.record`, through which every write leaves its
event. A leaf holds opaque ids and a commitment, never report text. Formats are those of
c2sp.org: tlog-tiles, signed-note, tlog-checkpoint, tlog-proof.
"""
