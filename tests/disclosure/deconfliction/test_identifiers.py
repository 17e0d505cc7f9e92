"""Identifiers weld what bears one name, never strangers, and hold two CVE numbers apart."""

import numpy as np

from clearinghouse.disclosure.deconfliction import identifiers
from clearinghouse.disclosure.deconfliction.packing import pack
from clearinghouse.disclosure.deconfliction.signature import Signature, Signer
from clearinghouse.disclosure.intake.records import Finding, Identifier, IdentifierRole

SIGNER = Signer(b"an instance's secret for terms")


def named(*names: str, related: tuple[str, ...] = ()) -> Signature:
    own = tuple(Identifier(name, IdentifierRole.ALIAS) for name in names)
    return SIGNER.sign(Finding(identifiers=own + tuple(Identifier(name, IdentifierRole.RELATED) for name in related)))


def test_one_shared_name_is_the_same() -> None:
    assert identifiers.compare(named("CVE-2026-1000", "GHSA-2222-3333-4444"), named("GHSA-2222-3333-4444")) is True


def test_two_cve_numbers_differ_whatever_else_is_shared() -> None:
    one, other = named("CVE-2026-1000", "GHSA-2222-3333-4444"), named("CVE-2026-1001", "GHSA-2222-3333-4444")
    assert identifiers.compare(one, other) is False


def test_an_umbrella_says_nothing_of_sameness() -> None:
    bulletin = named("CVE-2026-1000", "CVE-2026-1001", "CVE-2026-1002")
    assert identifiers.compare(bulletin, named("CVE-2026-1000")) is None
    assert identifiers.share(bulletin, named("CVE-2026-1000"))


def test_a_related_name_is_no_name() -> None:
    assert identifiers.compare(named(related=("CVE-2026-1000",)), named("CVE-2026-1000")) is None


def test_edges_of_a_pack() -> None:
    packed = pack([
        named("CVE-2026-1000"), named("CVE-2026-1000", "GHSA-2222-3333-4444"), named("GHSA-2222-3333-4444"), named("CVE-2026-1001"),
        named("CVE-2026-1000", "CVE-2026-1001", "CVE-2026-1003"),
    ])
    given = identifiers.Edges(np.array([0, 0, 0], np.int32), np.array([1, 3, 4], np.int32), np.array([0.3, 0.9, 0.9], np.float32))
    edges, labels = identifiers.with_identifiers(packed, given, 3)
    found = {(a, b): round(p, 3) for a, b, p in zip(edges.a.tolist(), edges.b.tolist(), edges.probabilities.tolist(), strict=True)}
    assert found == {(0, 1): 0.995, (1, 2): 0.995, (0, 3): 0.0, (0, 4): 0.0}
    assert labels[0] == labels[1] != labels[3]
    assert labels[2] == labels[4] == -1


def test_a_name_borne_by_too_many_welds_nobody() -> None:
    packed = pack([named("CVE-2026-1000")] * (identifiers.GROUP_MAX + 1))
    assert len(identifiers.same_edges(packed, identifiers.labels(packed)).a) == 0
