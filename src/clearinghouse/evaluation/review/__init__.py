"""The engagement between a developer and a desk: agreement, plan, window, assessment, determination, and its end.

Belongs here: reviews and their states, agreements, windows, the watch over a model's identity, conflicts of interest, consultations,
determinations, replies, trusted partners, certificates of destruction. Does not belong here: grades (`benchmarks`), what they show
(`statistics`), and keys to a model (`gateway`, which this asks to grant and to end).
Source: Executive Order 14409 (2 June 2026), section 3, as product rules 1 to 3 put it. A lapse is `closed`; nothing here grants leave.
"""
