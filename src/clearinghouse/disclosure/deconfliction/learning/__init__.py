"""Learning from people: what their decisions say about the pair model, and what a newer model would have had otherwise.

Decisions that stand are read at each settling; from enough of them a *correction* of the model is fitted and kept as a
version (`records.Version`). It changes nothing before a person puts it in force, and goes out of force the same way. A
settling under a changed model moves no cluster that people have had their hands on: what it would do there is kept as a
*proposal*, holds the cluster as it was, and waits for a person's answer, which is a decision like any other.

Does not belong here: fitting (`correction`), what a decision does (`actions`), training on a corpus (`bench/deconfliction`).
"""
