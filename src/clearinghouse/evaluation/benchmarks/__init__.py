"""Sealed benchmarks: items nobody sees but the run that opens them, and the running of them against a model behind the gateway.

Belongs here: items and their generators (`suites/`), sealed packs, custody and exposure (`packs/`, `custody/`), the runner and its engines
(`running/`, `engines/`), transcripts and incidents. Does not belong here: what the results show (`statistics`), and who may do what in an
engagement (`review`). The suites that are shipped are synthetic and harmless: they prove the machinery and support no determination.
"""
