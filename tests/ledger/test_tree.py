"""The tree against published vectors, and the properties of RFC 6962 and 9162."""

import hashlib
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger import tree

# The eight leaves, their roots and proofs that implementations of Certificate Transparency share.
PUBLISHED_LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]
PUBLISHED_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
FIRST_TO_EIGHT = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
PUBLISHED_PATHS = {
    (0, 8): FIRST_TO_EIGHT,
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
PUBLISHED_CONSISTENCY = {
    (1, 1): [],
    (1, 8): FIRST_TO_EIGHT,
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}


class Log:
    """A tree in memory."""

    def __init__(self, hashes: Sequence[bytes] = ()) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.append(hashes)

    def read(self, level: int, number: int) -> bytes:
        return self.tiles.get((level, number), b"")

    def append(self, hashes: Sequence[bytes]) -> None:
        self.tiles.update(tree.extend(self.read, self.size, hashes))
        self.size += len(hashes)

    def root(self, size: int | None = None) -> bytes:
        return tree.root(self.read, self.size if size is None else size)


def merkle_tree_hash(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962, 2.1 writes it down: slow, and nothing else."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + merkle_tree_hash(hashes[:k]) + merkle_tree_hash(hashes[k:])).digest()


PUBLISHED = Log([tree.leaf_hash(leaf) for leaf in PUBLISHED_LEAVES])
HASHES = [tree.leaf_hash(str(number).encode()) for number in range(70_000)]
BIG = Log(HASHES)
SIZES = st.integers(1, 40) | st.sampled_from([255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537]) | st.integers(1, 70_000)


def test_roots_of_the_published_tree() -> None:
    assert [PUBLISHED.root(size).hex() for size in range(9)] == PUBLISHED_ROOTS


@pytest.mark.parametrize(("place", "path"), PUBLISHED_PATHS.items())
def test_inclusion_proof_of_the_published_tree(place: tuple[int, int], path: list[str]) -> None:
    assert [hashed.hex() for hashed in tree.inclusion_proof(PUBLISHED.read, *place)] == path


@pytest.mark.parametrize(("sizes", "proof"), PUBLISHED_CONSISTENCY.items())
def test_consistency_proof_of_the_published_tree(sizes: tuple[int, int], proof: list[str]) -> None:
    assert [hashed.hex() for hashed in tree.consistency_proof(PUBLISHED.read, *sizes)] == proof


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 65_793, 70_000])
def test_root_from_tiles_is_the_root_of_the_definition(size: int) -> None:
    assert BIG.root(size) == merkle_tree_hash(HASHES[:size])


def test_tiles_hold_what_the_specification_says() -> None:
    """tlog-tiles: the n-th tile at level l is MTH(D[(n*256+i) * 256**l : (n*256+i+1) * 256**l]) for i from 0 to 255."""
    for (level, number), content in BIG.tiles.items():
        width = 256**level
        assert len(content) // 32 == min(256, len(HASHES) // width - number * 256)
        for i in {0, len(content) // 64, len(content) // 32 - 1}:
            start = (number * 256 + i) * width
            assert content[i * 32 : (i + 1) * 32] == merkle_tree_hash(HASHES[start : start + width])


@given(st.integers(0, 1400), st.data())
@settings(max_examples=60, deadline=None)
def test_any_split_into_batches_gives_the_same_tree(size: int, data: st.DataObject) -> None:
    parts, start = Log(), 0
    for end in [*sorted(data.draw(st.lists(st.integers(0, size), max_size=6))), size]:
        parts.append(HASHES[start:end])
        start = end
    assert parts.tiles == Log(HASHES[:size]).tiles
    assert parts.root() == merkle_tree_hash(HASHES[:size])


def test_extend_reads_only_partial_tiles_at_the_edge() -> None:
    asked = []

    def read(level: int, number: int) -> bytes:
        asked.append((level, number))
        return BIG.read(level, number)

    tree.extend(read, 70_000, HASHES[:2000])
    assert asked == [(0, 273), (1, 1)]  # 2,000 leaves fill no tile of level 1, so level 2 is not touched


def test_extend_refuses_a_stored_tile_that_is_too_short() -> None:
    log = Log(HASHES[:300])
    log.tiles[0, 1] = log.tiles[0, 1][:-32]
    with pytest.raises(Invalid, match="tile 1 of level 0 holds 43 of its hashes 0 to 43: the stored tree is damaged"):
        log.append(HASHES[300:310])


def test_extend_ignores_what_is_stored_beyond_the_size() -> None:
    assert tree.extend(Log(HASHES[:40]).read, 30, HASHES[30:50]) == {(0, 0): b"".join(HASHES[:50])}


@pytest.mark.parametrize("missing", [(0, 0), (1, 0)])
def test_missing_tile_is_named_not_guessed(missing: tuple[int, int]) -> None:
    log = Log(HASHES[:60_000])
    del log.tiles[missing]
    with pytest.raises(Invalid, match=f"tile {missing[1]} of level {missing[0]} holds 0 of its hashes"):
        tree.inclusion_proof(log.read, 3, 60_000)


@st.composite
def mutated(draw: st.DrawFn, proof: list[bytes]) -> list[bytes]:
    """The proof with one thing wrong: a bit, a hash dropped, added or repeated, two swapped, a byte moved to a neighbour."""
    place = st.integers(0, max(0, len(proof) - 1))
    kind = draw(st.sampled_from(["add"] + ["bit", "drop", "repeat"] * bool(proof) + ["swap", "move"] * (len(proof) > 1)))
    changed = list(proof)
    i = draw(place)
    if kind == "add":
        changed.insert(draw(st.integers(0, len(proof))), draw(st.sampled_from([bytes(32), b"", *proof, *HASHES[:3]])))
    elif kind == "bit":
        changed[i] = (int.from_bytes(changed[i], "big") ^ (1 << draw(st.integers(0, 255)))).to_bytes(32, "big")
    elif kind == "drop":
        del changed[i]
    elif kind == "repeat":
        changed.insert(i, changed[i])
    elif kind == "swap":
        j = draw(place.filter(lambda other: other != i))
        changed[i], changed[j] = changed[j], changed[i]
    else:
        # Where the two are hashed side by side, in either order, what is hashed stays the same.
        i = draw(st.integers(0, len(proof) - 2))
        if draw(st.booleans()):
            changed[i], changed[i + 1] = changed[i] + changed[i + 1][:1], changed[i + 1][1:]
        else:
            changed[i], changed[i + 1] = changed[i][1:], changed[i + 1] + changed[i][:1]
    return changed


@given(SIZES, st.data())
@settings(max_examples=300, deadline=None)
def test_every_inclusion_proof_verifies_and_no_mutation_does(size: int, data: st.DataObject) -> None:
    """RFC 9162, 2.1.3.2: an altered path, index, leaf or root does not verify, nor does the path in a tree of another size."""
    index = data.draw(st.integers(0, size - 1))
    path, root, leaf = tree.inclusion_proof(BIG.read, index, size), BIG.root(size), HASHES[index]
    assert tree.verify_inclusion(leaf, index, size, path, root)
    assert not tree.verify_inclusion(leaf, index, size, data.draw(mutated(path)), root)
    assert not tree.verify_inclusion(leaf, data.draw(st.integers(-1, size + 1).filter(lambda i: i != index)), size, path, root)
    assert not tree.verify_inclusion(tree.leaf_hash(b"another"), index, size, path, root)
    assert not tree.verify_inclusion(leaf[:31], index, size, path, root)
    assert not tree.verify_inclusion(leaf, index, size, path, tree.leaf_hash(root))
    other = data.draw(st.integers(-1, 70_000).filter(lambda n: n != size))
    assert not tree.verify_inclusion(leaf, index, other, path, BIG.root(max(0, other)))


@given(st.integers(2, 70_000), st.data())
@settings(max_examples=60, deadline=None)
def test_byte_moved_between_leaf_and_path_is_noticed(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, leaf, (sibling, *above) = BIG.root(size), HASHES[index], tree.inclusion_proof(BIG.read, index, size)
    assert not tree.verify_inclusion(leaf + sibling[:1], index, size, [sibling[1:], *above], root)
    assert not tree.verify_inclusion(leaf[1:], index, size, [sibling + leaf[:1], *above], root)


@given(SIZES, st.data())
@settings(max_examples=100, deadline=None)
def test_path_of_the_wrong_length_leads_to_no_root(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion_proof(BIG.read, index, size)
    assert tree.root_of_inclusion(HASHES[index], index, size, path) == BIG.root(size)
    for wrong in ([*path, bytes(32)], path[:-1] if path else [bytes(32)]):
        assert tree.root_of_inclusion(HASHES[index], index, size, wrong) is None


@given(SIZES, st.data())
@settings(max_examples=300, deadline=None)
def test_every_consistency_proof_verifies_and_no_mutation_does(new: int, data: st.DataObject) -> None:
    """RFC 9162, 2.1.4.2: the proof leads from the old root to the new one, and from and to no other."""
    old = data.draw(st.integers(1, new))
    proof, before, after = tree.consistency_proof(BIG.read, old, new), BIG.root(old), BIG.root(new)
    assert tree.verify_consistency(old, new, before, after, proof)
    assert not tree.verify_consistency(old, new, before, after, data.draw(mutated(proof)))
    assert not tree.verify_consistency(old, new, BIG.root(old - 1), after, proof)
    assert not tree.verify_consistency(old, new, before, BIG.root(new - 1), proof)
    other = data.draw(st.integers(-1, new + 1).filter(lambda n: n != old))
    assert not tree.verify_consistency(other, new, before, after, proof)


def test_consistency_of_all_pairs_of_small_trees() -> None:
    roots = [BIG.root(size) for size in range(65)]
    for new in range(1, 65):
        for old in range(1, new + 1):
            proof = tree.consistency_proof(BIG.read, old, new)
            assert tree.verify_consistency(old, new, roots[old], roots[new], proof)
            for cut in range(len(proof)):
                assert not tree.verify_consistency(old, new, roots[old], roots[new], proof[:cut] + proof[cut + 1 :])


@given(st.integers(2, 600), st.data())
@settings(max_examples=60, deadline=None)
def test_a_tree_with_one_other_leaf_is_not_consistent(new: int, data: st.DataObject) -> None:
    """A fork: neither the forged tree's proof nor the honest one leads from the signed root to the forged one."""
    old = data.draw(st.integers(1, new))
    hashes = HASHES[:new]
    hashes[data.draw(st.integers(0, old - 1))] = tree.leaf_hash(b"forged")
    forked = Log(hashes)
    for read in (forked.read, BIG.read):
        assert not tree.verify_consistency(old, new, BIG.root(old), forked.root(), tree.consistency_proof(read, old, new))


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_leaf_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(Invalid, match=f"leaf {index} is not in a tree of {size} leaves"):
        tree.inclusion_proof(BIG.read, index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5)])
def test_consistency_of_no_two_trees_is_refused(old: int, new: int) -> None:
    with pytest.raises(Invalid, match=f"no consistency proof from {old} to {new} leaves"):
        tree.consistency_proof(BIG.read, old, new)


def test_compact_range_has_the_root_of_every_size() -> None:
    stream = tree.CompactRange()
    roots = [stream.root()]
    for number in range(600):
        stream.append(str(number).encode())
        roots.append(stream.root())
    assert roots == [BIG.root(size) for size in range(601)]


def audit(stored: Log, size: int, portion: int) -> None:
    audit = tree.TileAudit(stored.read)
    for start in range(0, size, portion):
        audit.append(HASHES[start : min(size, start + portion)])


@pytest.mark.parametrize("place", [(0, 0), (0, 100), (0, 273), (1, 0), (1, 1), (2, 0)])
def test_audit_finds_an_altered_tile_wherever_it_is(place: tuple[int, int]) -> None:
    stored = Log(HASHES)
    stored.tiles[place] = bytes([stored.tiles[place][0] ^ 1]) + stored.tiles[place][1:]
    with pytest.raises(Invalid, match=f"tile {place[1]} of level {place[0]} does not fit the events"):
        audit(stored, len(HASHES), 8192)


@pytest.mark.parametrize("portion", [1, 255, 256, 257, 1000])
def test_audit_accepts_the_tiles_of_the_tree(portion: int) -> None:
    audit(BIG, 1000, portion)


def test_a_batch_of_two_thousand_is_appended_in_milliseconds() -> None:
    def seconds(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    assert min(seconds(lambda: tree.extend(BIG.read, 70_000, HASHES[:2000])) for _ in range(5)) < 0.05


def test_roots_that_are_no_hashes_are_consistent_with_nothing() -> None:
    assert tree.verify_consistency(5, 5, BIG.root(5), BIG.root(5), [])
    assert not tree.verify_consistency(5, 5, b"short", b"short", [])
