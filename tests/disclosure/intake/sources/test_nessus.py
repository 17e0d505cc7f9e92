"""Nessus, in report items of our own."""

from typing import Any

from clearinghouse.disclosure.intake.records import CodeLocation, SeverityClaim

ITEM = """<ReportItem port="443" svc_name="www" protocol="tcp" severity="3" pluginID="98104" pluginName="XSS" pluginFamily="CGI"><description>Scripts run.</description>
<synopsis>XSS.</synopsis><solution>Encode.</solution><risk_factor>High</risk_factor><cve>CVE-2030-2183</cve><cvss3_vector>CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N</cvss3_vector>
<cvss3_base_score>7.5</cvss3_base_score><xref>CWE:79</xref><see_also>https://example.org/x</see_also><plugin_output>On URL 'http://a.example/s.jsp' it ran.</plugin_output></ReportItem>"""
XML = f'<NessusClientData_v2><Policy/><Report><ReportHost name="a.example"><HostProperties><tag name="host-ip">10.0.0.9</tag></HostProperties>{ITEM}</ReportHost></Report></NessusClientData_v2>'
HEADER = "Plugin ID,CVE,CVSS v3.0 Base Score,Risk,Host,Protocol,Port,Name,Synopsis,Description,Solution,See Also,Plugin Output\n"


def test_xml_item(read: Any) -> None:
    items, error = read("nessus", XML)
    assert (error, items[0].notes) == (None, ())
    finding = items[0].finding
    assert (items[0].place, finding.title, finding.description) == ("/ReportHost[1]/ReportItem[1]", "XSS", "XSS.\n\nScripts run.")
    assert finding.severities == (SeverityClaim("CVSS:3.0", "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5, by="nessus"), SeverityClaim("label", label="High", by="nessus"))
    assert (finding.weaknesses, finding.remediation) == (("CWE-79",), "Encode.")
    assert finding.locations == (CodeLocation(url="http://a.example/s.jsp"),)
    assert {"host": "a.example", "host-ip": "10.0.0.9", "port": "a.example:443/tcp"}.items() <= dict(finding.extra).items()


def test_table_rows(read: Any) -> None:
    items, _ = read("nessus", HEADER + "1,CVE-2030-1111,75,High,10.0.0.1,tcp,3389,Sweet,Old ciphers,,n/a,https://example.org/s,out\n1,,,,,,,,,,,,\n")
    assert [(note.place, note.code) for note in items[0].notes] == [("line 2", "severity.score")]
    assert (items[0].finding.remediation, items[0].finding.locations) == ("", (CodeLocation(url="10.0.0.1:3389/tcp"),))
    assert items[0].finding.severities == (SeverityClaim("label", label="High", by="nessus"),)
    assert items[1].finding is None


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("nessus", HEADER) == ([], None)
    assert read("nessus", "<NessusClientData/>")[1].note.code == "nessus.root"
    assert read("nessus", '<!DOCTYPE a [<!ENTITY b "c">]><NessusClientData_v2>&b;</NessusClientData_v2>')[1].note.code == "xml.forbidden"
    assert read.sniff(XML)["nessus"] > 0.9
