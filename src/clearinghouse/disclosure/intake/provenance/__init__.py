"""Relay between coordinators: where a report came from, over which hops, and what became of it further on.

Belongs here: the provenance block (kept as it came, byte for byte), our own hop, the two forms of handling identifier,
mirrors, the owner's verdict on its way back. Does not belong here: whether two reports are one flaw (`deconfliction`), or
dates (`coordination/embargo`): embargo terms travel through and are not negotiated over a relay.

After the draft contract RFC-AI-0008 of Apache Magpie; docs/reference/relay.md says what is ours.
"""
