"""CycloneDX in XML as the values CycloneDX in JSON would hold, as far as a reader of vulnerabilities needs them.

No DTD, no entities, bounded depth. The vulnerability extension that 1.0 to 1.3 used (a namespace of
its own) comes out in the shape that 1.4 made of it.
"""

from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from clearinghouse.disclosure.intake.sources.base import Unreadable

# Elements that hold entries of one name, and what JSON makes of an entry: an object or a text.
_LISTS = {
    "vulnerabilities": "vulnerability", "references": "reference", "ratings": "rating", "cwes": "cwe", "advisories": "advisory",
    "responses": "response", "affects": "target", "versions": "version", "tools": "tool", "components": "component",
    "services": "service", "properties": "property", "organizations": "organization", "individuals": "individual",
    "recommendations": "recommendation", "supportingMaterial": "attachment", "externalReferences": "reference",
    "licenses": "license", "hashes": "hash", "dependencies": "dependency", "authors": "author",
}


def read_xml(data: bytes, depth_max: int) -> dict[str, Any]:
    """The document element as an object, its namespace under `xmlns`.

    Raises:
        Unreadable: no XML, XML with a DTD or entities, or nested too deep.
    """
    values: list[tuple[str, dict[str, Any] | list[Any], list[str]]] = []
    root: dict[str, Any] = {}
    try:
        for event, element in iterparse(BytesIO(data), events=("start", "end"), forbid_dtd=True):
            name = _local(element.tag)
            if event == "start":
                if len(values) >= depth_max:
                    raise Unreadable(f"XML nested more than {depth_max} levels deep", "", "xml.depth")
                holds_list = name in _LISTS and not (values and values[-1][0] == "version")
                values.append((name, [] if holds_list else {}, []))
                continue
            _, value, _ = values.pop()
            made = _made(element, name, value)
            if values:
                _put(values[-1][1], values[-1][0], name, made)
            else:
                root = made if isinstance(made, dict) else {}
                root["xmlns"] = _namespace(element.tag)
            element.clear()
    except ParseError as error:
        line, column = error.position
        raise Unreadable(f"not XML: {str(error).split(':', 1)[0]}", f"line {line} column {column + 1}", "xml.syntax") from None
    except DefusedXmlException as error:
        raise Unreadable(f"XML with a DTD or entities is not read ({type(error).__name__})", "", "xml.dtd") from None
    except (ValueError, LookupError) as error:
        raise Unreadable(f"not XML: {type(error).__name__}", "", "xml.encoding") from None
    return root


def _made(element: Element, name: str, value: dict[str, Any] | list[Any]) -> Any:
    """What an element became: its text, or its object with its attributes beside."""
    if isinstance(value, list):
        return value
    attributes = {_local(key): text for key, text in element.attrib.items()}
    text = (element.text or "").strip()
    if not value and not attributes:
        return text
    if not value and name == "property":
        return {"name": attributes.get("name", ""), "value": text}
    if not value and text:
        return {**attributes, "text": text}
    return {**attributes, **value}


def _put(parent: dict[str, Any] | list[Any], parent_name: str, name: str, made: Any) -> None:
    if isinstance(parent, list):
        if name == _LISTS.get(parent_name):
            parent.append(made)
        return
    # `url` of an organization may come several times; in JSON that is a list.
    if name in parent and name in ("url", "email"):
        earlier = parent[name]
        parent[name] = [*(earlier if isinstance(earlier, list) else [earlier]), made]
    else:
        parent[name] = made


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _namespace(tag: Any) -> str:
    return str(tag).rpartition("}")[0].lstrip("{")
