"""Capacity: what reaches a vendor, in which order and how much of it, as its charter says.

Belongs here: the packet, the queue before a vendor, caps, forecasts. Does not belong here: what a charter
may say (`parties/charters`), or carrying the packet over (`app`).
"""
