"""The field's shared words and their rules: no input, no output, no other package of ours.

Belongs here: a word that several capabilities speak (a package, a weakness, a severity, a TLP
label, an event) with the pure functions that define it. Does not belong here: anything that
reads a file, a clock or a database, and any word only one capability uses.
"""
