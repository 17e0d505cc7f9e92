"""The counting rule as data: the clauses a proposal may cite, in our words, with where and when they were read."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Where clauses stand."""

    title: str
    version: str
    approved: date
    effective: date
    url: str
    note: str
    """What is known of later versions."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause, by its number."""

    section: str
    says: str
    """In our words; the document's own bind."""


BOOK = RuleBook(
    "CVE Numbering Authority (CNA) Operational Rules", "4.0.0", date(2024, 4, 25), date(2024, 5, 8),
    "https://www.cve.org/ResourcesSupport/AllResources/CNARules",
    "Read in the text of version 4.0.0. Clauses 4.2.6 and 4.2.11 were cited in the same words in January 2026 (CVE-2026-24402). The "
    "program's site names version 4.2.6, approved 2026-10-14, as the present one; its wording was not compared. A proposal to make "
    "4.2.6 mandatory was open in September 2026.",
)
_ALL = (
    Clause("4.1.10", "whether flaws are separate is judged by whether they can be fixed independently"),
    Clause("4.1.11", "conditions that cause a flaw only together are one flaw, as an overflow that another one makes possible"),
    Clause("4.2.6", "separate flaws should have different CVE ids"),
    Clause("4.2.7", "ids are for flaws, not for fixes: one fix of two flaws does not make them one"),
    Clause("4.2.8", "what an incomplete fix left open may have a new id or keep the old one: the numbering authority chooses"),
    Clause("4.2.11", "different flaws that can be fixed independently should have different ids"),
    Clause("4.2.12", "where it is uncertain whether two are independently fixable, one id"),
    Clause("4.2.13(1)", "products that are vulnerable because they share the code must share one id"),
    Clause("4.2.13(2)", "products that do not share the code should have different ids"),
    Clause("4.2.13(3)", "where it is uncertain whether products share the code, different ids"),
    Clause("4.2.15", "a flaw that depends on another entirely must not have an id of its own"),
    Clause("4.4", "complicated decisions are left to the numbering authority's judgment"),
)
CLAUSES = {clause.section: clause for clause in _ALL}
