"""OpenVAS, in results of our own."""

from typing import Any

from clearinghouse.disclosure.intake.records import CodeLocation, SeverityClaim

RESULT = """<result id="r1"><name>Missing update</name><host>10.0.0.9<hostname>srv</hostname></host><port>42/tcp</port><nvt oid="1.3.6.1"><family>F</family>
<severities><severity type="cvss_base_v3"><origin>NVD</origin><score>9.8</score><value>CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H</value></severity></severities>
<tags>summary=An update is missing.|impact=Code runs.|solution=Update.|affected=Box 1.0|qod=x</tags>
<refs><ref type="cve" id="CVE-2030-49658"/><ref type="url" id="https://example.org/u"/><ref type="cert-bund" id="W-1"/></refs></nvt>
<threat>High</threat><severity>9.8</severity><description>Found 1.0.</description></result>"""
XML = f'<report id="a" content_type="text/xml"><report id="b"><gmp/><results>{RESULT}</results></report></report>'
HEADER = "IP,Hostname,Port,Port Protocol,CVSS,Severity,NVT Name,Summary,Specific Result,NVT OID,CVEs,Timestamp,Impact,Solution,Other References\n"


def test_xml_result(read: Any) -> None:
    items, error = read("openvas", XML)
    assert (error, items[0].notes) == (None, ())
    finding = items[0].finding
    assert (finding.title, finding.description) == ("Missing update", "An update is missing.\n\nFound 1.0.")
    assert (finding.impact, finding.remediation, finding.products) == ("Code runs.", "Update.", ("Box 1.0",))
    assert [identifier.value for identifier in finding.identifiers] == ["CVE-2030-49658"]
    assert finding.severities == (SeverityClaim("CVSS:3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, by="NVD"), SeverityClaim("label", label="High", by="openvas"))
    assert finding.locations == (CodeLocation(url="10.0.0.9:42/tcp"),)
    assert {"hostname": "srv", "cert-bund": "W-1"}.items() <= dict(finding.extra).items()


def test_table_rows(read: Any) -> None:
    items, _ = read("openvas", HEADER + '10.0.0.8,,22,tcp,4.3,Medium,Weak SSH,"Weak\nciphers",aes-cbc,1.3.6,"CVE-2030-1111,CVE-2030-2222",2030-01-01T00:00:00Z,,Disable,https://example.org/s\n,,,,x,,,,,,,,,,\n')
    finding = items[0].finding
    assert (items[0].place, finding.title, finding.locations) == ("line 2", "Weak SSH", (CodeLocation(url="10.0.0.8:22/tcp"),))
    assert finding.severities == (SeverityClaim("CVSS", "", 4.3), SeverityClaim("label", label="Medium", by="openvas"))
    assert len(finding.identifiers) == 2
    assert (items[1].place, items[1].finding) == ("line 4", None)


def test_nothing_found_and_nothing_ours(read: Any) -> None:
    assert read("openvas", HEADER) == ([], None)
    assert read("openvas", "<other/>")[1].note.code == "openvas.root"
    assert read("openvas", "a,b\n")[1].note.code == "openvas.columns"
    assert read.sniff(XML)["openvas"] > 0.9
