"""The boundary for model access: granted until an instant, for a person, a purpose and a run; metered, recorded, cut off in time.

Belongs here: accesses, their admission and reservation, the journal of calls (an audit row durable before anything is forwarded), the server
that keeps the end of a window to the byte, adapters for upstreams (`providers/`). Does not belong here: why somebody may use a model
(`evaluation/review`), and what is asked of it.
"""
