"""Puts the parts together: settings, wiring, what follows on what, and reads that join capabilities.

The only place that knows everything; the edges (`cli`, later `api` and `web`) come here.
"""
