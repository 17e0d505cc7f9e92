"""XML of scanners: no DTD, no entities, no deeper than JSON may be, and every failure with its line."""

import io
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from clearinghouse.disclosure.intake.sources.base import Document, Unreadable


def read_xml(document: Document) -> Element:
    """The root element.

    Raises:
        Unreadable: it is no XML, declares a DTD or an entity, or is nested too deep.
    """
    depth, root = 0, Element("")
    data = document.data.lstrip(b"\xef\xbb\xbf \r\n\t")
    try:
        events: Any = iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True)
        for event, element in events:
            depth += 1 if event == "start" else -1
            root = root if root.tag else element
            if depth > document.limits.json_depth_max:
                raise Unreadable(f"XML nested more than {document.limits.json_depth_max} levels deep", "", "xml.depth")
    except DefusedXmlException as error:
        raise Unreadable(f"XML with a document type or entities is not read ({type(error).__name__})", "", "xml.forbidden") from None
    except ParseError as error:
        line, column = getattr(error, "position", (0, 0))
        raise Unreadable(f"not XML: {str(error).split(':', 1)[0]}", f"line {line} column {column}", "xml.syntax") from None
    except (ValueError, LookupError) as error:
        raise Unreadable(f"not XML: {str(error)[:120]}", "", "xml.syntax") from None
    if not root.tag:
        raise Unreadable("an empty file is no XML", "", "xml.empty")
    return root


def text_at(element: Element, path: str) -> str:
    """The text of a child, trimmed; empty where it is absent."""
    return (element.findtext(path) or "").strip()
