"""The edges on one socket: the HTTP API and the workbench as one ASGI application, and what serves it.

Belongs here: which routes there are together, what every answer carries (headers, one body for every 404),
and starting and stopping the server. Does not belong here: a route of its own.
"""
