"""Servers of models that the gateway asks: one file for each kind, all behind `base.Provider`.

Belongs here: how a call is put to a server and what of its answer's form differs. Does not belong here: whether a call may be made.
"""
