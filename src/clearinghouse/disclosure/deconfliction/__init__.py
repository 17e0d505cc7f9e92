"""Deconfliction: which reports are the same flaw, why, and how sure we are.

Implements the recipient's part of ISO/IEC 29147:2018, 6.2 (a report may duplicate a known one) and of
ISO/IEC 30111:2019, 7.1.3 (verification asks first whether a report is a duplicate).

In the order a record goes through: `tokens` and `terms` (from a finding to what could be shared), `signature`
(the same as keyed hashes: from here on no word is seen), `retrieval` (who is worth comparing),
`features` and `context` (a pair in numbers), `scoring` (the learned model), `identifiers` and
`rules` (what is never left to a model), `clustering`. `settling` runs it for all records at
once, `placing` for one newcomer. `store` keeps the index, people's decisions and the outcome.

Does not belong here: reading formats (intake), running code (validation), severity (triage).
"""
