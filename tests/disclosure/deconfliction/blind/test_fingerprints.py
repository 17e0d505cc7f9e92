"""Which forms a finding has: the same for two who spell it differently, none where it says too little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.product import Package
from clearinghouse.disclosure.deconfliction.blind.fingerprints import FORMAT, FORMS_MAX, fingerprints
from clearinghouse.disclosure.intake.records import CodeLocation, Crash, Finding, Frame, Identifier, IdentifierRole


def forms(finding: Finding) -> set[str]:
    """Without the name of the format."""
    return {form.decode().removeprefix(FORMAT + "|") for form in fingerprints(finding)}


@pytest.mark.parametrize("named", [
    Finding(packages=(Package("pypi", "Py-Yaml"),)), Finding(products=("pyyaml:Py_YAML",)), Finding(repository="https://github.com/yaml/PyYaml.git"),
    Finding(repository="https://git.example/mirrors/pyyaml/"),
])
def test_ways_to_name_a_product_meet(named: Finding) -> None:
    from dataclasses import replace

    pointed = replace(named, locations=(CodeLocation(path="lib/yaml/constructor.py", symbol="construct_object"),), weaknesses=("CWE-502",))
    assert "function|pyyaml|construct_object|2" in forms(pointed)
    assert "function|pyyaml|construct_object" in forms(pointed)


def test_crash_is_a_form_without_a_product() -> None:
    frames = tuple(Frame(name, f"src/{name}.c") for name in ("png_read_row", "png_read_image", "convert", "main"))
    crash = Crash("AddressSanitizer", "heap-buffer-overflow", frames=frames)
    other = Crash("AddressSanitizer", "Heap buffer overflow", size_bytes=4, frames=frames[:3])
    assert forms(Finding(title="one", crash=crash)) == forms(Finding(title="other", crash=other)) == {
        "crash|heapbufferoverflow|png_read_row|png_read_image|convert"
    }


@pytest.mark.parametrize("finding", [
    Finding(), Finding(title="Overflow", description="in parse()"), Finding(products=("libtiff",)), Finding(symbols=("parse_header",)),
    Finding(products=("libtiff",), weaknesses=("CWE-787",)), Finding(locations=(CodeLocation(path="src/a.c"),), weaknesses=("CWE-787",)),
    Finding(identifiers=(Identifier("CVE-2026-1234", IdentifierRole.RELATED), Identifier("INTERNAL-7", IdentifierRole.OWN))),
])
def test_finding_that_says_too_little_has_no_form(finding: Finding) -> None:
    assert fingerprints(finding) == ()


def test_public_id_is_a_form() -> None:
    assert forms(Finding(identifiers=(Identifier("CVE-2026-1234", IdentifierRole.ALIAS),))) == {"id|CVE-2026-1234"}


@given(
    st.lists(st.text(max_size=30), max_size=4), st.lists(st.text(max_size=30), max_size=4), st.lists(st.text(max_size=40), max_size=4),
    st.lists(st.sampled_from(["CWE-79", "CWE-787", "CWE-22", "CWE-0", "x"]), max_size=4), st.randoms(use_true_random=False),
)
def test_forms_are_few_and_the_same_in_any_order(names: list[str], symbols: list[str], paths: list[str], weaknesses: list[str], chance: object) -> None:
    finding = Finding(
        products=tuple(names), symbols=tuple(symbols), locations=tuple(CodeLocation(path=path) for path in paths), weaknesses=tuple(weaknesses)
    )
    turned = Finding(
        products=tuple(names[::-1]), symbols=tuple(symbols[::-1]), locations=tuple(CodeLocation(path=path) for path in paths[::-1]),
        weaknesses=tuple(weaknesses[::-1]),
    )
    found = fingerprints(finding)
    assert found == fingerprints(turned)
    assert len(found) <= FORMS_MAX
    assert all(form.startswith(FORMAT.encode() + b"|") for form in found)
