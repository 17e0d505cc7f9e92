"""Fetching a source of a validation: the one step of the bench with a network, from hosts the settings name, hashed before it is kept.

What comes back is bytes with a digest; it is never opened here. That we fetched them ourselves is what makes them the project's.
"""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from clearinghouse.app.channels.base import Refused
from clearinghouse.app.channels.outward import Outward, Response
from clearinghouse.app.validating import add_material, check_may_add
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Invalid, NotFound, Unavailable
from clearinghouse.disclosure.validation.dockets.actions import digest_of
from clearinghouse.disclosure.validation.dockets.records import Material, MaterialKind

Fetch = Callable[[str], Response]
_FOUND = 200


def fetch_of(instance: Instance) -> Fetch:
    """The guarded way out, with the bounds of a source in place of those of a letter."""
    policy = instance.policy
    limits = replace(policy.outward, response_bytes_max=policy.bench.material_bytes_max, total_seconds_max=policy.bench.build_wall_seconds)
    return Outward(instance.settings.outward, limits).get


def fetch_source(
    instance: Instance, case_id: str, untrusted_url: str, digest: str = "", *, kind: MaterialKind = MaterialKind.SOURCE, fetch: Fetch | None = None
) -> Material:
    """A source fetched by us and kept with a case, its origin on record.

    Args:
        digest: `sha256:HEX` that the bytes must have; empty: whatever they have is told.
    Raises:
        Refused: the address is none this instance calls, or its host is not among `[bench] fetch_hosts`.
        Invalid: the bytes have another digest, or are too many.
        NotFound: the host has nothing there, or the case is not the actor's to see.
        NotPermitted, Conflict: as for `validating.add_material`, and asked before anything is fetched.
        Unavailable: outgoing connections are off, or the host does not answer.
    """
    # Who may not keep it has nothing fetched, and is told nothing of which hosts there are: an address is a word to somebody outside.
    check_may_add(instance, case_id)
    _check_host(instance, untrusted_url)
    found = (fetch or fetch_of(instance))(untrusted_url)
    _check_host(instance, found.url)
    if found.status in (404, 410):
        raise NotFound(f"{urlsplit(found.url).hostname} has nothing at this address ({found.status})")
    if found.status != _FOUND:
        raise Unavailable(f"{urlsplit(found.url).hostname} answered {found.status}; {_FOUND} would be right")
    seen = digest_of(found.body)
    if digest and seen != digest:
        raise Invalid(f"what was fetched has the digest {seen}, not {digest[:80]}: it is another version, or was changed on its way")
    name = urlsplit(untrusted_url).path.rsplit("/", 1)[-1] or "source"
    return add_material(instance, case_id, kind, name, found.body, origin=untrusted_url)


def _check_host(instance: Instance, url: str) -> None:
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        host = ""
    allowed = instance.settings.bench.fetch_hosts
    if host not in allowed:
        known = ", ".join(allowed) or "none"
        raise Refused(f"sources are fetched from hosts that `[bench] fetch_hosts` of the settings names; this one is not among them ({known})")


__all__ = ["Fetch", "fetch_of", "fetch_source"]
