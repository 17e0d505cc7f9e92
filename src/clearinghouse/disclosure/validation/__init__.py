"""Validation: a reproducer is run, with controls, and what was seen is written down so that others can check it.

Implements what ISO/IEC 30111:2019 calls verification (7.1.3) and the test of a remediation (7.1.5). `recipes` say what
is built and run; `observing` turns one run into one of a few words; `workshop` builds, runs, repeats and remembers;
`judging` decides with every control what the observations amount to, and at which trust tier; `evidence` signs it.
`patches` asks how far a patch holds, `matrix` which reproducers one patch quiets; `queue` shares the bench out.

Does not belong here: what keeps untrusted code in (sandbox), whose documents these are (coordination), what follows for
clusters of reports (deconfliction).
"""
