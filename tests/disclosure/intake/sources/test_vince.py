"""The coordinator's form, filled in by us."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from clearinghouse.disclosure.intake.records import Consents, Credit, HumanReview, Producer, VersionRange
from clearinghouse.disclosure.intake.sources.base import NotAReport

FORM = {
    "contact_name": "Ada F", "contact_email": "ada@example.org", "share_release": "True", "credit_release": "yes", "comm_attempt": "no",
    "why_no_attempt": "none found", "vendor_name": "Example", "multiplevendors": "no", "product_name": "Box", "product_version": "< 2.1",
    "vul_description": "Command injection in `set_name()`, handlers/name.py line 9.", "vul_exploit": "Send a quote.", "vul_impact": "Root.",
    "vul_discovery": "Code review.", "vul_public": "no", "vul_exploited": "false", "vul_disclose": "yes", "disclosure_plans": "2030-06-01 at a conference",
    "public_references": "https://example.org/post", "ai_ml_system": "False", "tool": "scan", "model": "m-7", "human_review": "reproduced",
}


def test_form_as_a_whole(read: Any) -> None:
    items, error = read("vince", json.dumps(FORM))
    assert error is None
    assert items[0].notes == ()
    finding = items[0].finding
    assert finding.products == ("Example:Box",)
    assert finding.ranges == (VersionRange(fixed=("2.1",), versions=("< 2.1",)),)
    assert finding.consents == Consents(share_with_vendor=True, share_name=True)
    assert finding.credits == (Credit("Ada F", "finder", "ada@example.org"),)
    assert finding.producer == Producer("scan", model="m-7", review=HumanReview.REPRODUCED)
    assert (finding.publicly_known, finding.exploited) == (False, False)
    assert (finding.reproduction, finding.impact) == ("Send a quote.", "Root.")
    assert finding.proposed_disclosure_at == datetime(2030, 6, 1, tzinfo=UTC)
    assert finding.symbols == ("set_name",)
    assert {"comm_attempt": "no", "vul_discovery": "Code review.", "ai_ml_system": "False"}.items() <= dict(finding.extra).items()


def test_posted_form_says_the_same(read: Any) -> None:
    items, _ = read("vince", urlencode(FORM))
    assert items[0].finding == read("vince", json.dumps(FORM))[0][0].finding


def test_what_is_missing(read: Any) -> None:
    few = {name: FORM[name] for name in ("vul_description", "product_name", "share_release")}
    assert [note.code for note in read("vince", json.dumps(few))[0][0].notes] == ["vince.required"]
    items, _ = read("vince", json.dumps({**FORM, "vul_description": " "}))
    assert (items[0].finding, items[0].notes[0].place) == (None, "/vul_description")
    assert read("vince", "a=b&c=d")[1].note.code == "vince.form"


def test_no_name_without_consent(read: Any) -> None:
    items, _ = read("vince", json.dumps({**FORM, "credit_release": "no"}))
    assert items[0].finding.credits == ()
    assert items[0].finding.consents.share_name is False


def test_the_list_of_fields_is_no_report(read: Any) -> None:
    items, error = read("vince", json.dumps({"fields": [{"name": "contact_name", "required": False}]}))
    assert items == []
    assert isinstance(error, NotAReport)
