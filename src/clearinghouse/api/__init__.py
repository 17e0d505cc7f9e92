"""The HTTP API: parse, call, render; one file per capability under its name (RFC 9457 problems, OpenAPI 3.1).

Does not belong here: a rule, a query, a page.
"""
