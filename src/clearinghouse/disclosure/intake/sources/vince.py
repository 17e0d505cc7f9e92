"""The report form of a national coordinator (VINCE): its 33 fields as a JSON object or as a form was posted.

The form asks whether the affected system is an AI; who or what found the flaw it does not ask. `tool`,
`tool_version`, `model`, `harness`, `reviewer` and `human_review` are read beside its own fields.
"""

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from clearinghouse.disclosure.intake.records import Consents, Credit, HumanReview, Note, Producer, VersionRange
from clearinghouse.disclosure.intake.sources._prose import find_urls, read_range
from clearinghouse.disclosure.intake.sources._reading import read_instant, read_reference
from clearinghouse.disclosure.intake.sources._text_report import Context, read_text
from clearinghouse.disclosure.intake.sources.base import Document, Item, NotAReport, Unreadable, dict_of, list_of, pointer, refuse

_REQUIRED = ("share_release", "credit_release", "comm_attempt", "multiplevendors", "product_name", "product_version", "vul_description", "vul_exploit",
             "vul_impact", "vul_discovery", "vul_public", "vul_exploited", "vul_disclose")
_TELLING = frozenset({"vul_description", "vul_exploit", "vul_impact", "vul_discovery", "product_name", "share_release", "credit_release", "vul_disclose"})
_EXTRA = ("contact_org", "contact_phone", "reporter_pgp", "coord_status", "comm_attempt", "why_no_attempt", "please_explain", "multiplevendors",
          "other_vendors", "first_contact", "vendor_communication", "ics_impact", "ai_ml_system", "metadata", "vul_disclose", "disclosure_plans", "tracking", "comments")
_PARAMETERS_MAX = 200
FILE = "user_file"
"""Name under which an object holds the file that came with the form: `name`, `sha256` and `base64`."""


class Vince:
    """The reader; `SOURCE` is its one object."""

    name = "vince"
    title = "Coordinator report form (VINCE fields)"
    version = "1"

    def sniff(self, document: Document) -> float:
        if document.head.startswith(("{", "[")):
            value = document.json
            if isinstance(value, dict) and _is_field_list(value):
                return 0.9
            entry = dict_of(value[0]) if isinstance(value, list) and value else dict_of(value)
            return 0.95 if len(_TELLING & set(entry)) >= 3 else 0.0
        return 0.9 if "=" in document.head and sum(f"{name}=" in document.head for name in _TELLING) >= 3 and "\n\n" not in document.head else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if not document.head.startswith(("{", "[")):
            yield _of_form(_posted(document), "", document)
            return
        value = document.json
        if document.json_error is not None:
            raise document.json_error
        if isinstance(value, dict) and _is_field_list(value):
            raise NotAReport("not a report: the list of a form's fields; use an object that holds their values")
        if not isinstance(value, dict | list):
            raise Unreadable("an object with the form's fields would be right", "", "vince.shape")
        for number, entry in enumerate(value if isinstance(value, list) else [value]):
            place = pointer(number) if isinstance(value, list) else ""
            cells = dict_of(entry)
            form = {str(name): _text(cell) for name, cell in cells.items() if name != FILE}
            yield _with_file(_of_form(form, place, document), dict_of(cells.get(FILE)))


def _with_file(item: Item, file: dict[str, Any]) -> Item:
    """The item with a line for its file; the file itself stays in the original."""
    if item.finding is None or not file:
        return item
    line = f"sha256:{_text(file.get('sha256'))[:64]} {_text(file.get('name'))[:200]}".strip()
    return dataclasses.replace(item, finding=dataclasses.replace(item.finding, attachments=(*item.finding.attachments, line)))


def _is_field_list(value: dict[str, Any]) -> bool:
    fields = list_of(value.get("fields"))
    return bool(fields) and all({"name", "required"} <= set(dict_of(entry)) for entry in fields[:50])


def _posted(document: Document) -> dict[str, str]:
    try:
        pairs = parse_qsl(document.text.strip(), keep_blank_values=True, max_num_fields=_PARAMETERS_MAX, errors="replace")
    except ValueError as error:
        raise Unreadable(f"no posted form: {error}", "", "vince.form") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        form[name] = f"{form[name]}, {value}" if name in form else value
    if not _TELLING & set(form):
        raise Unreadable("none of the form's fields (vul_description, product_name, ...) is here", "", "vince.form")
    return form


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(entry) for entry in value[:50] if not isinstance(entry, list | dict))
    return "" if value is None else value if isinstance(value, str) else str(value)[:2_000]


def _answer(value: str) -> bool | None:
    cleaned = value.strip().lower()
    if cleaned in ("true", "yes", "y", "1", "on"):
        return True
    return False if cleaned in ("false", "no", "n", "0", "off") else None


def _of_form(form: dict[str, str], place: str, document: Document) -> Item:
    notes: list[Note] = []
    if not form.get("vul_description", "").strip():
        return refuse(f"{place}/vul_description", "the form's description of the flaw is empty; it is required", "vince.description")
    missing = [name for name in _REQUIRED if not form.get(name, "").strip()]
    if missing:
        notes.append(Note(place, f"required fields of the form are empty: {', '.join(missing)}", "vince.required"))
    vendor, product, version = form.get("vendor_name", "").strip(), form.get("product_name", "").strip(), form.get("product_version", "").strip()
    title = f"{vendor} {product} {version}".strip()
    finding = read_text(form["vul_description"], Context(place, document.limits, notes), title="")
    links = [*find_urls(form.get("public_references", "")), *find_urls(form.get("exploit_references", ""))]
    name, contact = form.get("contact_name", "").strip(), form.get("contact_email", "").strip()
    may_credit = _answer(form.get("credit_release", ""))
    extra = [(field, form[field]) for field in _EXTRA if form.get(field, "").strip()] + ([("vul_discovery", form["vul_discovery"])] if form.get("vul_discovery") else [])
    known = {*_EXTRA, *_REQUIRED, "contact_name", "contact_email", "vendor_name", "public_references", "exploit_references", "tool", "tool_version",
             "model", "harness", "reviewer", "human_review", "csrfmiddlewaretoken"}
    for other in [field for field in form if field not in known][:20]:
        notes.append(Note(f"{place}/{other[:60]}", "not a field of the form; kept as text", "field.unknown"))
        extra.append((other[:60], form[other]))
    stated = read_range(version) if version else None
    finding = dataclasses.replace(
        finding, title=finding.title or title, description=form["vul_description"],
        products=(*finding.products, *((f"{vendor}:{product}" if vendor else product,) if vendor or product else ())),
        ranges=(*finding.ranges, *((stated or VersionRange(versions=(version,)),) if version else ())),
        reproduction=form.get("vul_exploit", "") or finding.reproduction, impact=form.get("vul_impact", "") or finding.impact,
        references=tuple(dict.fromkeys((*finding.references, *(read_reference(url) for url in links)))),
        publicly_known=_answer(form.get("vul_public", "")), exploited=_answer(form.get("vul_exploited", "")),
        consents=Consents(share_with_vendor=_answer(form.get("share_release", "")), share_name=may_credit),
        credits=(Credit(name, "finder", contact),) if name and may_credit else (), reporter=f"{name} <{contact}>" if name and contact else name or contact,
        producer=_producer(form), proposed_disclosure_at=_disclosure(form.get("disclosure_plans", "")), place=place, extra=tuple(extra),
    )
    if first := form.get("first_contact", "").strip():
        read_instant(first, f"{place}/first_contact", notes)
    return Item(place, finding, tuple(notes))


def _producer(form: dict[str, str]) -> Producer:
    review = {"reviewed": HumanReview.REVIEWED, "reproduced": HumanReview.REPRODUCED, "none": HumanReview.NONE}.get(form.get("human_review", "").strip().lower())
    return Producer(
        form.get("tool", ""), form.get("tool_version", ""), form.get("model", ""), form.get("harness", ""), form.get("reviewer", ""),
        review or (HumanReview.REVIEWED if form.get("reviewer", "").strip() else HumanReview.UNKNOWN),
    )


def _disclosure(plans: str) -> datetime | None:
    """The date a disclosure plan begins with, if it does; any other wording stays text."""
    word = plans.strip().split(" ", 1)[0][:40]
    return read_instant(word, "", []) if word[:4].isdecimal() else None


SOURCE = Vince()
