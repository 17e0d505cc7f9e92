"""Dockets: what the bench works with in one case - reproducers, patches, sources, recipes - sealed under the case's own key.

Belongs here: materials, their bodies by digest, what may be believed of who supplied one. A docket is a case as the bench
knows it: an id, a key, and how far the viewer may look; it is made where rooms are opened. Does not belong here: rooms and
their documents (coordination), what is made of the materials (queue).
"""
