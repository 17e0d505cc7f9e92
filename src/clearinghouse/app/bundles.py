"""A whole case out of this instance and into it: what its reports were relayed with travels along."""

from clearinghouse.app.wiring import Instance
from clearinghouse.core.ids import CaseId
from clearinghouse.core.marks import Audience
from clearinghouse.disclosure.coordination.rooms import actions
from clearinghouse.disclosure.coordination.rooms.store import cases
from clearinghouse.disclosure.intake.provenance import actions as relays


def export_bundle(instance: Instance, case_id: str, audience: Audience) -> bytes:
    """A whole case as bytes, on record before the first of them is given.

    Raises:
        NotFound: the case is not the actor's to see.
        NotPermitted: the actor does not coordinate it, or marks do not reach the audience.
        Conflict: marks, or the protection it was shared under, have expired.
        Invalid: it would be larger than a bundle may be.
    """
    now = instance.clock.now()
    return actions.export_case(
        instance.database, case_id, audience, provenance=_blocks(instance, case_id), actor=instance.actor.id, envelope=instance.envelope,
        origin=instance.settings.ledger_origin, limits=instance.policy.rooms, now=now,
    )


def import_bundle(instance: Instance, untrusted_bundle: bytes) -> CaseId:
    """The case of a bundle, led by whoever acts; the same bundle again gives the same case.

    Raises:
        NotPermitted: the actor is no coordinator.
        Invalid: the bundle is too large, altered, or not of the form.
        Conflict: it was imported before into a case that the actor may not see, or exceeds what a case may hold.
    """
    with instance.database.write() as tx:
        return actions.import_case(
            tx, untrusted_bundle, policy_version=instance.policy.version, actor=instance.actor.id, envelope=instance.envelope,
            limits=instance.policy.rooms, intake_limits=instance.policy.intake, now=instance.clock.now(),
        )


def _blocks(instance: Instance, case_id: str) -> list[str] | None:
    """The blocks its reports were relayed with, our hop appended; None leaves those that came with the case itself."""
    viewer, now = instance.actor.id, instance.clock.now()
    with instance.read() as tx:
        room = cases.find_room(tx, case_id, instance.envelope, viewer=viewer, now=now)
        if room is not None:
            actions.check_not_erased(room)
        attached = () if room is None else cases.list_reports(tx, room, now=now)
        # A block names the finder: it stays where the finder asked not to be named, or took the report back.
        named = [one.id for one in attached if one.share_name and one.withdrawn_at is None]
        # A relay is its sender's and the desk's; who exports the case hands the blocks of its reports on.
        with tx.beyond_wall():
            blocks = relays.blocks_of(tx, named, policy=instance.policy.relay, envelope=instance.envelope)
    return [block.decode() for block in blocks] or None
