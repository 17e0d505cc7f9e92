"""ZAP, in alerts of our own; and what hostile XML is answered."""

from typing import Any

import pytest

from clearinghouse.disclosure.intake.records import CodeLocation, Finding, Producer, Reference, SeverityClaim

ALERT = """<alertitem><pluginid>10011</pluginid><alert>Cookie</alert><name>Cookie Without Secure Flag</name><riskcode>1</riskcode><confidence>2</confidence>
<riskdesc>Low (Medium)</riskdesc><desc>&lt;p&gt;No secure flag.&lt;/p&gt;</desc><instances><instance><uri>https://a.example/x</uri><method>GET</method><param>sid</param>
<evidence>Set-Cookie: sid</evidence></instance></instances><count>1</count><solution>&lt;p&gt;Set it.&lt;/p&gt;</solution><reference>https://example.org/c</reference><cweid>614</cweid></alertitem>"""


def report(alerts: str) -> str:
    """A report with these alerts for one site."""
    return f'<?xml version="1.0"?><OWASPZAPReport version="2.9.0"><site name="https://a.example"><alerts>{alerts}</alerts></site></OWASPZAPReport>'


def test_alert_as_a_whole(read: Any) -> None:
    items, error = read("zap", report(ALERT))
    assert (error, items[0].notes) == (None, ())
    assert items[0].finding == Finding(
        title="Cookie Without Secure Flag", description="No secure flag.", products=("https://a.example",), references=(Reference("https://example.org/c"),),
        weaknesses=("CWE-614",), severities=(SeverityClaim("label", label="Low", by="zap"),),
        locations=(CodeLocation(url="https://a.example/x", parameter="sid", snippet="Set-Cookie: sid"),), reproduction="GET https://a.example/x", remediation="Set it.",
        producer=Producer("zap", "2.9.0", rule="10011"), place="/site[1]/alertitem[1]", extra=(("confidence", "2"), ("count", "1")),
    )


@pytest.mark.parametrize(("xml", "code"), [
    (report("<alertitem>"), "xml.syntax"), ('<!DOCTYPE a [<!ENTITY b "c">]><OWASPZAPReport>&b;</OWASPZAPReport>', "xml.forbidden"),
    ("<OWASPZAPReport>" + "<a>" * 500, "xml.depth"), ("<other/>", "zap.root"), ('<?xml version="1.0" encoding="no-such"?><OWASPZAPReport/>', "xml.syntax"), ("", "xml.syntax"),
])
def test_what_cannot_be_read(read: Any, xml: str, code: str) -> None:
    items, error = read("zap", xml)
    assert (items, error.note.code) == ([], code)


def test_nothing_found(read: Any) -> None:
    assert read("zap", report("")) == ([], None)
    assert read("zap", report("<alertitem/>"))[0][0].notes[0].code == "zap.name"
    assert read.sniff(report(""))["zap"] > 0.9
