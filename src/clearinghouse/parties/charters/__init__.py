"""Charters: how a project wants to be told of flaws, as data that binds every sender.

ISO/IEC 29147:2018 clause 7 (vulnerability disclosure policy). Belongs here: the document, its versions, what
it answers. Does not belong here: queues and deliveries (`disclosure/coordination/capacity`).
"""
