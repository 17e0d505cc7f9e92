"""What the leak walk knows of routes: what is sent to those that take a body or a query, and which are let off and why.

A route that is not in these tables and needs to be fails the walk: new routes come in by being named here.
`{report_id}` and the like stand for ids of the world, in path, query and body alike; `{word}` for a text to look for.
"""

from dataclasses import dataclass, field
from typing import Any

API = "/api/v1"
PARAMETERS = {
    "case_id": "case", "cluster_id": "case", "report_id": "rep", "submission_id": "sub", "thread_id": "thr", "message_id": "msg",
    "document_id": "doc", "vulnerability_id": "vul", "decision_id": "dec", "party_id": "pty",
    "event_id": "evt", "proposal_id": "trm", "fact_id": "fct", "leak_id": "lek", "watch_id": "wat", "hook_id": "hook", "handling_id": "hid",
    "delivery_id": "dlv", "session_id": "ses", "token_id": "tok", "charter_id": "chr", "commitment_id": "cmt", "duty_id": "due", "epoch_id": "bep",
    "erasure_id": "era", "ask_id": "ask", "model_proposal_id": "prp", "version_id": "cor", "appeal_id": "apl",
    "validation_id": "val", "material_id": "mat", "trial_id": "trl", "review_id": "rev", "review_document_id": "rdc",
}
"""Ids by the name of the path parameter that takes them, each with the prefix of an unknown one."""
ALIASES = {"other_id": "report_id", "vendor_id": "party_id", "vendor": "party_id"}
SOON = "2026-12-20T08:00:00Z"


@dataclass(frozen=True)
class Template:
    """One way to ask a route."""

    query: str = ""
    json: Any = None
    form: dict[str, str] | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def _reason(**more: Any) -> Template:
    return Template(json={"reason": "because", **more})


def _form(**fields: str) -> Template:
    return Template(form=fields)


FILE = Template(
    headers={"Content-Type": "multipart/form-data; boundary=xxx"},
    body=b"--xxx\r\nContent-Disposition: form-data; name=\"_csrf_token\"\r\n\r\n{_csrf_token}\r\n"
    b"--xxx\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nother\r\n--xxx\r\nContent-Disposition: form-data; name=\"tlp\"\r\n\r\nAMBER\r\n"
    b"--xxx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nx\r\n--xxx--\r\n",
)

MATERIAL_FILE = Template(headers=FILE.headers, body=FILE.body.replace(b"\r\n\r\nother\r\n", b"\r\n\r\nbenign\r\n"))

_OPENING = (
    b'{"format":"clearinghouse-opening-1","document":{"context":"x","format":"x","key":"x","sections":{}},"nonce":"' + b"00" * 32 + b'","sections":{}}'
)
OPENING_FILE = Template(
    headers={"Content-Type": "multipart/form-data; boundary=xxx"},
    body=b"--xxx\r\nContent-Disposition: form-data; name=\"_csrf_token\"\r\n\r\n{_csrf_token}\r\n"
    b"--xxx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\nContent-Type: application/json\r\n\r\n" + _OPENING + b"\r\n--xxx--\r\n",
)

# Routes that read: ways to ask beside the bare one.
QUERIES: dict[str, list[Template]] = {
    "GET /reviews/{review_id}": [Template(f"part={part}") for part in ("terms", "run", "assessment", "partners", "record")],
    f"GET {API}/reports": [Template("size=1"), Template("size=500")],
    f"GET {API}/clusters": [Template("size=1")],
    f"GET {API}/commitments": [Template("before={commitment_id}"), Template("size=1")],
    "GET /commitments": [Template("before={commitment_id}")],
    f"GET {API}/cases": [Template("before={case_id}"), Template("state=closed"), Template("size=1")],
    f"GET {API}/cases/{{case_id}}": [Template("thread={thread_id}"), Template("thread={thread_id}&before={message_id}")],
    f"GET {API}/cases/{{case_id}}/threads/{{thread_id}}/messages": [Template("before={message_id}&size=2")],
    f"GET {API}/submissions/{{submission_id}}": [Template("from=0"), Template("from=100000")],
    f"GET {API}/charters": [Template("project=libmagic"), Template("project={word}")],
    f"GET {API}/cases/{{case_id}}/bundle": [Template("reach=organisation"), Template("reach=named")],
    f"GET {API}/reports/{{report_id}}/relay": [Template("reach=organisation"), Template("reach=named&purpose=training")],
    "GET /inbox": [Template("text={word}"), Template("answer=new"), Template("answer=waiting"), Template("source=ndjson&text={word}")],
    "GET /search": [Template("q={word}"), Template("q={report_id}"), Template("q={case_id}"), Template("q={submission_id}")],
    "GET /cases/{case_id}": [Template(f"part={part}") for part in ("validation", "threads", "people", "documents", "record")] + [
        Template("part=threads&thread={thread_id}"), Template("part=threads&thread={thread_id}&before={message_id}"),
        Template("what_if=2026-12-01T10:00"),
    ],
    "GET /sign-in": [Template("back=/cases/{case_id}")],
}

# Reading routes that are nothing without their query.
NEED_QUERY = {f"GET {API}/charters"}

# Routes that write: what makes the deed complete but for whose the objects are.
BODIES: dict[str, list[Template]] = {
    f"POST {API}/decisions": [
        Template(json={"kind": "merge", "reports": ["{report_id}", "{other_id}"], "reason": "the same"}),
        Template(json={"kind": "split", "reports": ["{report_id}"], "reason": "another one"}),
        Template(json={"kind": "lead", "reports": ["{report_id}"], "reason": "has a reproducer"}),
    ],
    f"POST {API}/decisions/{{decision_id}}/undo": [Template()],
    f"POST {API}/cases": [Template(json={"reports": ["{report_id}"], "title": "A case"})],
    f"PATCH {API}/cases/{{case_id}}": [Template(json={"title": "Another title"})],
    f"POST {API}/cases/{{case_id}}/marks": [_reason(marks={"tlp": "GREEN"})],
    f"POST {API}/cases/{{case_id}}/close": [_reason()],
    f"POST {API}/cases/{{case_id}}/reopen": [_reason()],
    f"POST {API}/cases/{{case_id}}/erasure": [_reason()],
    f"POST {API}/cases/{{case_id}}/hold": [_reason()],
    f"POST {API}/cases/{{case_id}}/hold/lift": [Template()],
    f"POST {API}/erasures/{{erasure_id}}/confirm": [Template()],
    f"POST {API}/cases/{{case_id}}/reports": [_reason(report="{report_id}")],
    f"POST {API}/cases/{{case_id}}/reports/detach": [_reason(report="{report_id}")],
    f"POST {API}/cases/{{case_id}}/reports/withdraw": [_reason(report="{report_id}")],
    f"POST {API}/cases/{{case_id}}/reports/reinstate": [_reason(report="{report_id}")],
    f"POST {API}/reports/{{report_id}}/withdraw": [_reason()],
    f"POST {API}/reports/{{report_id}}/ask": [_reason()],
    f"POST {API}/reports/{{report_id}}/appeals": [_reason(question="credit"), _reason(question="known")],
    f"POST {API}/appeals/{{appeal_id}}/answer": [_reason(uphold=False), _reason(uphold=True)],
    f"POST {API}/appeals/{{appeal_id}}/withdraw": [Template()],
    f"POST {API}/cases/{{case_id}}/asks/{{ask_id}}/invite": [_reason()],
    f"POST {API}/cases/{{case_id}}/asks/{{ask_id}}/decline": [_reason()],
    f"POST {API}/reports/{{report_id}}/reinstate": [Template()],
    f"POST {API}/cases/{{case_id}}/decisions": [_reason(kind="severity"), _reason(kind="severity", subject="{vulnerability_id}"),
                                                 _reason(kind="validity", subject="{report_id}")],
    f"POST {API}/cases/{{case_id}}/decisions/{{decision_id}}/undo": [Template()],
    f"POST {API}/cases/{{case_id}}/participants": [_reason(party="{party_id}", role="vendor")],
    f"POST {API}/cases/{{case_id}}/accept": [Template()],
    f"POST {API}/cases/{{case_id}}/refuse": [_reason()],
    f"POST {API}/cases/{{case_id}}/decline": [_reason()],
    f"POST {API}/cases/{{case_id}}/leave": [_reason()],
    f"POST {API}/cases/{{case_id}}/participants/{{party_id}}/remove": [_reason()],
    f"POST {API}/cases/{{case_id}}/participants/{{party_id}}/tier": [_reason(tier=3)],
    f"POST {API}/cases/{{case_id}}/participants/{{party_id}}/lead": [_reason()],
    f"POST {API}/cases/{{case_id}}/report-state": [Template(json={"verb": "receive"}), Template(json={"verb": "close", "party": "{party_id}"})],
    f"POST {API}/cases/{{case_id}}/threads": [Template(json={"title": "aside", "members": ["{party_id}"]})],
    f"POST {API}/cases/{{case_id}}/threads/{{thread_id}}/messages": [
        Template(json={"body": "hello"}), Template(json={"body": "hello", "in_reply_to": "{message_id}"}),
    ],
    f"POST {API}/cases/{{case_id}}/threads/{{thread_id}}/read": [Template(json={"message": "{message_id}"})],
    f"POST {API}/cases/{{case_id}}/threads/{{thread_id}}/members": [Template(json={"party": "{party_id}"})],
    f"POST {API}/cases/{{case_id}}/threads/{{thread_id}}/members/remove": [Template(json={"party": "{party_id}"})],
    f"POST {API}/cases/{{case_id}}/documents": [Template("name=a.txt", body=b"x"), Template("name=a.txt&thread={thread_id}", body=b"x")],
    f"DELETE {API}/cases/{{case_id}}/documents/{{document_id}}": [Template()],
    f"POST {API}/cases/{{case_id}}/validations": [Template(json={"report": "{report_id}", "recipe": "{material_id}"})],
    f"POST {API}/cases/{{case_id}}/validations/{{validation_id}}/cancel": [Template()],
    f"POST {API}/cases/{{case_id}}/validations/{{validation_id}}/resume": [Template()],
    f"POST {API}/reviews/{{review_id}}/deeds": [
        Template(json={"deed": "pause", "words": {"reason": "because"}}), Template(json={"deed": "sign", "words": {"document": "{review_document_id}", "signature": "00" * 64}}),
        Template(json={"deed": "withdraw"}), Template(json={"deed": "consult", "words": {"body": "A body", "words": "said"}}),
    ],
    "POST /reviews/{review_id}/deeds": [_form(deed="pause", reason="because"), _form(deed="end-part", party="{party_id}", part="developer")],
    f"POST {API}/cases/{{case_id}}/trials": [Template(json={"patch": "{material_id}", "recipe": "{material_id}"})],
    f"POST {API}/cases/{{case_id}}/trials/{{trial_id}}/review": [Template(json={"accepts": True, "reason": "read"})],
    "POST /cases/{case_id}/trials": [_form(patch="{material_id}", recipe="{material_id}")],
    "POST /cases/{case_id}/trials/{trial_id}/review": [_form(says="accept", reason="read")],
    f"POST {API}/cases/{{case_id}}/materials": [Template("name=a.txt&kind=benign", body=b"x")],
    f"POST {API}/cases/{{case_id}}/materials/fetch": [Template(json={"url": "https://example.org/a.tar.gz"})],
    "POST /cases/{case_id}/validations": [_form(report="{report_id}", recipe="{material_id}")],
    "POST /cases/{case_id}/validations/{validation_id}/cancel": [_form()],
    "POST /cases/{case_id}/validations/{validation_id}/resume": [_form()],
    "POST /cases/{case_id}/materials": [MATERIAL_FILE],
    f"POST {API}/cases/{{case_id}}/vulnerabilities": [Template(json={"title": "A flaw", "reports": ["{report_id}"]})],
    f"PATCH {API}/cases/{{case_id}}/vulnerabilities/{{vulnerability_id}}": [
        Template(json={"title": "A flaw"}), Template(json={"reports": ["{report_id}"]}),
    ],
    f"DELETE {API}/cases/{{case_id}}/vulnerabilities/{{vulnerability_id}}": [Template()],
    f"POST {API}/cases/{{case_id}}/vulnerabilities/{{vulnerability_id}}/restore": [Template()],
    f"POST {API}/cases/{{case_id}}/vulnerabilities/{{vulnerability_id}}/statements": [
        Template(json={"status": "fixed"}), Template(json={"status": "fixed", "statement": "they wrote", "party": "{party_id}"}),
    ],
    f"POST {API}/cases/{{case_id}}/embargo/what-if": [Template(json={"kind": "goes_public", "at": SOON})],
    f"POST {API}/cases/{{case_id}}/embargo/proposals": [Template(json={"ends_at": SOON})],
    f"POST {API}/cases/{{case_id}}/embargo/proposals/{{proposal_id}}": [
        Template(json={"accept": True}), Template(json={"accept": False, "reason": "because"}),
    ],
    f"POST {API}/cases/{{case_id}}/embargo/withdraw": [_reason()],
    f"POST {API}/cases/{{case_id}}/embargo/exit": [_reason()],
    f"POST {API}/cases/{{case_id}}/embargo/facts": [
        Template(json={"milestone": "fix_ready", "at": "2026-11-21T09:00:00Z"}),
        Template(json={"milestone": "fix_ready", "at": "2026-11-21T09:00:00Z", "party": "{party_id}"}),
    ],
    f"POST {API}/cases/{{case_id}}/embargo/facts/{{fact_id}}/withdraw": [Template()],
    f"POST {API}/cases/{{case_id}}/embargo/terms": [Template(json={"terms": "fallback-30"})],
    f"POST {API}/cases/{{case_id}}/embargo/origin": [Template(json={"found_with_public_ai": True})],
    f"POST {API}/cases/{{case_id}}/embargo/regimes": [Template(json={"regime": "eu-cra", "applies": True})],
    f"POST {API}/cases/{{case_id}}/embargo/duties/{{duty_id}}": [Template(json={"at": "2026-11-21T09:00:00Z"})],
    f"POST {API}/cases/{{case_id}}/embargo/leaks": [Template(json={"where": "a forum", "seen_at": "2026-11-21T09:00:00Z"})],
    f"POST {API}/cases/{{case_id}}/embargo/leaks/{{leak_id}}": [
        Template(json={"is_leak": False}), Template(json={"is_leak": True, "public": True}),
    ],
    f"POST {API}/cases/{{case_id}}/contact": [
        Template(json={"whom": "a project"}), Template(json={"whom": "a project", "party": "{party_id}"}),
    ],
    f"POST {API}/cases/{{case_id}}/contact/{{watch_id}}/attempts": [
        Template(json={"channel": "mail", "result": "sent", "at": "2026-11-21T09:00:00Z"}),
    ],
    f"POST {API}/cases/{{case_id}}/contact/{{watch_id}}/acknowledge": [Template()],
    f"POST {API}/cases/{{case_id}}/contact/{{watch_id}}/step": [_reason(step="escalate")],
    f"POST {API}/cases/{{case_id}}/contact/{{watch_id}}/close": [Template()],
    f"POST {API}/blind/epochs/{{epoch_id}}/evaluate": [Template(json={"elements": [], "commitments": []})],
    f"POST {API}/commitments/{{commitment_id}}/open": [Template(body=_OPENING)],
    f"POST {API}/commitments/{{commitment_id}}/withdraw": [Template()],
    "POST /commitments/{commitment_id}/open": [OPENING_FILE],
    "POST /commitments/{commitment_id}/withdraw": [_form()],
    f"POST {API}/webhooks/{{hook_id}}/secret": [Template()],
    f"POST {API}/webhooks/{{hook_id}}/resume": [Template()],
    f"DELETE {API}/webhooks/{{hook_id}}": [Template()],
    f"POST {API}/deliveries/{{delivery_id}}/answer": [Template(json={"kind": "accept"})],
    f"POST {API}/relay/{{handling_id}}/verdict": [Template(json={"verdict": "fixed", "owner": "somebody", "reference": "https://example.org/1"})],
    f"POST {API}/relay/{{handling_id}}/assessment": [Template(json={"text": "looked at"})],
    f"POST {API}/relay/{{handling_id}}/hardening": [Template(json={"by": "up.example", "handling_id": "U-1"})],
    f"POST {API}/relay/{{handling_id}}/end": [Template(json={"reason": "duplicate"})],
    "POST /reports/{report_id}/withdraw": [_form(reason="because")],
    "POST /reports/{report_id}/reinstate": [_form()],
    "POST /reports/{report_id}/ask": [_form(reason="because")],
    "POST /reports/{report_id}/appeal": [_form(question="credit", reason="because")],
    "POST /appeals/{appeal_id}/answer": [_form(answer="reject", reason="because"), _form(answer="uphold", reason="because")],
    "POST /appeals/{appeal_id}/withdraw": [_form()],
    "POST /status/appeal": [_form(report="{report_id}", question="credit", reason="because")],
    "POST /cases/{case_id}/asks/{ask_id}/invite": [_form(reason="because")],
    "POST /cases/{case_id}/asks/{ask_id}/decline": [_form(reason="because")],
    "POST /cases": [_form(reports="{report_id}", title="A case")],
    "POST /cases/{case_id}/accept": [_form()],
    "POST /cases/{case_id}/refuse": [_form(reason="because")],
    "POST /cases/{case_id}/messages": [_form(body="hello"), _form(body="hello", thread="{thread_id}")],
    "POST /cases/{case_id}/read": [_form(thread="{thread_id}", message="{message_id}")],
    "POST /cases/{case_id}/threads": [_form(title="aside", members="{party_id}", first="hello")],
    "POST /cases/{case_id}/participants": [_form(party="{party_id}", role="vendor", reason="because")],
    "POST /cases/{case_id}/flaws": [_form(title="A flaw")],
    "POST /cases/{case_id}/status": [_form(vulnerability="{vulnerability_id}", status="fixed", statement="because")],
    "POST /cases/{case_id}/documents": [FILE],
    "POST /cases/{case_id}/embargo/propose": [_form(ends_at=SOON, reason="because")],
    "POST /cases/{case_id}/embargo/answer": [_form(proposal="{proposal_id}", answer="accept"), _form(proposal="{proposal_id}", answer="decline")],
    "POST /cases/{case_id}/embargo/fact": [_form(milestone="fix_ready")],
    "POST /cases/{case_id}/embargo/leak": [_form(where="a forum")],
    "POST /cases/{case_id}/decisions": [_form(kind="severity", words="high", reason="because")],
    "POST /cases/{case_id}/step": [_form(verb="receive")],
    "POST /cases/{case_id}/decline": [_form(reason="because")],
    "POST /cases/{case_id}/withdraw": [_form(report="{report_id}", reason="because")],
    "POST /cases/{case_id}/leave": [_form(reason="because")],
    "POST /cases/{case_id}/close": [_form(reason="because")],
    "POST /cases/{case_id}/reopen": [_form(reason="because")],
    "POST /decisions": [
        _form(kind="split", reports="{report_id}", reason="because", back="/inbox"), _form(kind="lead", reports="{report_id}", reason="because", back="/inbox"),
    ],
    "POST /model/proposals/{model_proposal_id}": [_form(answer="accept", reason="because")],
    f"POST {API}/model/proposals/{{model_proposal_id}}": [Template(json={"accept": True, "reason": "because"})],
    "POST /decisions/undo": [_form(decision="{decision_id}", back="/inbox")],
    "POST /maintainer/{vendor}/answer": [_form(delivery="{delivery_id}", answer="accept")],
    "POST /maintainer/{vendor}/charter": [_form(charter='charter = 1\n[project]\nname = "x"\nrepositories = ["https://github.com/example/x"]\n')],
    "POST /maintainer/{vendor}/claim": [_form(repository="https://github.com/example/y")],
    "POST /maintainer/{vendor}/fetch": [_form(claim="clm_aaaaaaaaaaaaaaaaaaaaaaaaaa")],
    "POST /maintainer/{vendor}/opt-out": [_form(charter="{charter_id}", reason="because")],
    "POST /maintainer/{vendor}/opt-in": [_form(charter="{charter_id}", reason="because")],
    "POST /admin/sessions/end": [_form(session="{session_id}")],
    "POST /account/sessions/end": [_form(session="{session_id}")],
    "POST /account/tokens/revoke": [_form(token="{token_id}")],
}

# Routes that write and are not asked, each with the reason.
EXEMPT_DEEDS: dict[str, str] = {
    "POST /reviews/{review_id}/transcripts/{sample_id}": "what a person found in a transcript, asked for with its review; tests/app/reviews/test_demo.py asks as others",
    f"POST {API}/reviews": "what it makes is the caller's own draft; a review it names is looked for as the caller; tests/evaluation/review hold that",
    "POST /reviews": "the same",
    f"POST {API}/submissions": "names no object: what it makes is the sender's own",
    f"POST {API}/submissions/bulk": "names no object: what it makes is the sender's own",
    "POST /vince/comm/api/vulreport": "names no object: what it makes is the sender's own",
    "POST /submit": "names no object: what it makes is the sender's own",
    f"POST {API}/relay": "names no object: what it makes is the sender's own",
    f"POST {API}/charters": "a charter is public, and whose it is decides the right to speak for a vendor; tests/parties/charters hold that",
    **{f"POST {start}/model/corrections/{{version_id}}/{deed}": "figures over everybody's decisions, which every administrator sees; tests/api/test_model_api.py"
       for start in (API, "") for deed in ("adopt", "retire")},
    f"POST {API}/commitments": "names no object: what it makes is the finder's own",
    "POST /commitments": "the same",
    "POST /claim-check": "takes a salted hash and no id; off without a salt; tests/api/test_blind_api.py",
    f"POST {API}/webhooks": "names no object: what it makes is the caller's own",
    "POST /status": "takes a secret and no id; tests/hostile/test_guessing.py tries it",
    "POST /sign-in": "takes secrets and no id; tests/hostile/test_guessing.py tries it",
    "POST /sign-in/link": "takes a secret and no id; tests/hostile/test_guessing.py tries it",
    "POST /sign-in/passkey": "takes a secret and no id; tests/parties/identity hold that",
    "POST /sign-in/passkey/options": "the same for everybody",
    "POST /sign-out": "ends one's own session",
    "POST /status/message": "says something about one's own report; no id",
    "POST /status/withdraw": "takes back one's own reports; no id",
    "POST /status/reinstate": "the same, undone; no id",
    "POST /account/link": "one's own account; tests/parties/identity hold that",
    "POST /admin/glass": "the way to what is not one's own, with a second person and the owners told; tests/parties/glass hold that",
    "POST /admin/glass/confirm": "the same",
    "POST /admin/invitations": "names no object of a case", "POST /admin/parties": "names no object of a case",
    "POST /admin/policy": "names no object",
    f"POST {API}/cases/bundle": "names no object of ours: what it makes is the importer's own; its twin over existing ids is tried in tests/api",
    "POST /enrol": "takes a secret and no id; tests/parties/identity hold that",
    "POST /theme": "a cookie",
    "POST /account/passkeys": "one's own account; tests/parties/identity hold that",
    "POST /account/passkeys/options": "one's own account; tests/parties/identity hold that",
    "POST /account/passkeys/remove": "one's own account; tests/parties/identity hold that",
    "POST /account/password": "one's own account; tests/parties/identity hold that",
    "POST /account/password/confirm": "one's own account; tests/parties/identity hold that",
    "POST /account/tokens": "names no object: what it makes is the caller's own",
    **{f"POST /act/{{token}}/{deed}": "takes a secret and no id; tests/hostile/test_guessing.py tries it"
       for deed in ("accept", "refuse", "acknowledge", "status", "message", "decline")},
    **{f"POST /{deed}": "takes a secret and no id; tests/web/test_packet_links.py tries it"
       for deed in ("packet/{token}/accept", "packet/{token}/more", "packet/{token}/decline", "charter/{token}/adopt",
                    "charter/{token}/claim", "contact/{token}/confirm")},
}

# Routes whose answer may tell foreign from unknown, or may change with what others do, each with the reason.
PUBLIC_RECORD: dict[str, str] = {
    f"GET {API}/ledger/checkpoint": "the size of a public log is public; leaves hold ids and digests, no text",
    f"GET {API}/ledger/proofs/{{event_id}}": "whoever holds an event's id may prove it; ids are random and told with the object only",
    f"GET {API}/blind/epoch": "its proof grows with the public ledger",
    "GET /ledger": "the size of a public log is public; leaves hold ids and digests, no text",
    "GET /ledger/checkpoint": "the same, for programs without an account",
    "GET /ledger/proof/{event_id}": "the same proof as over the API",
}

WEIGHING = "evidence is weighed by how common a word is among all records (decision 1); told to coordinators of both reports alone"
# Routes whose answer may change with what others send, each with the reason; it must not tell anything of it.
WEIGHED: dict[str, str] = {
    f"GET {API}/reports/{{report_id}}/compare/{{other_id}}": WEIGHING,
    "GET /reports/{report_id}/compare/{other_id}": WEIGHING,
    f"GET {API}/commitments/figures": "five counts over everybody's commitments are public", "GET /commitments": "the same figures stand on it",
    f"GET {API}/model/proposals": WEIGHING,
    f"GET {API}/model": "figures of the matcher over everybody's decisions, for administrators", "GET /model": "the same",
}

# Addresses at which there is nothing for anybody: the root, and where a provider of accounts sends somebody back to.
NOTHING = {f"GET {API}", "GET /sign-in/back"}

# Routes for administrators alone, of whom none is asked on PostgreSQL.
OF_ADMINISTRATORS = {f"GET {API}/model"}

# What somebody may do with an object it may not read.
INVITEE = {f"POST {start}/cases/{{case_id}}/{deed}" for start in (API, "") for deed in ("accept", "refuse")}

# Addresses that need no sign-in.
OPEN = {"GET /alive", "GET /api/openapi.json", "GET /api"}
"""Beside the pages, each of which says itself whether it needs one."""

# Parameters of paths that are no ids of anybody's.
NO_IDS: dict[str, str] = {
    "anything": "an address that is no route", "path": "an address below the description of the API",
    "sample_id": "a sample of a run, asked for with its review; tests/app/reviews/test_demo.py asks as others",
    "log_digest": "a digest of what a validation logged, asked for with that validation; tests/api/test_validations_api.py asks as others",
    "section": "a name within a commitment; tests/api and tests/disclosure/intake/commitments ask as strangers", "name": "a file of ours", "text": "a secret", "token": "a secret", "provider": "a provider of accounts, by its name",
}

# Pages of those who manage parties: who there is shows on them, and nothing of cases.
MANAGING: dict[str, str] = {"GET /admin": "administrators are shown every party and session"}

# Routes that note the first reading, and cost more statements that once.
NOTING: dict[str, str] = {f"GET {API}/reports/{{report_id}}/relay": "that it was handed on to this reach is on the record once"}

# Reading routes whose every answer is on the record of the case: asked once, after all that is compared.
RECORDED = {f"GET {API}/cases/{{case_id}}/bundle"}

# Deeds that let somebody see more: what is shown afterwards is no leak.
WIDENING = {
    f"POST {API}/cases/{{case_id}}/participants", f"POST {API}/cases/{{case_id}}/participants/{{party_id}}/tier",
    f"POST {API}/cases/{{case_id}}/threads/{{thread_id}}/members", "POST /cases/{case_id}/participants",
}

# Routes that answer for as long as somebody listens; tests of their own ask them.
ENDLESS: dict[str, str] = {"GET /live": "what it says is counted by `app.views.live.watch`, asked below"}


def may_be_empty(key: str, foreign: frozenset[str]) -> bool:
    """Whether a reading route answers with a page that is empty rather than with "not there": a place in a list."""
    return bool(foreign & {"message_id", "word"}) or key in (f"GET {API}/cases", f"GET {API}/commitments", "GET /commitments", "GET /search", "GET /sign-in", f"GET {API}/vendors/{{vendor_id}}/queue")


def is_page(key: str) -> bool:
    """Whether an address is for people, who are sent to the sign-in instead of being told 401."""
    return not key.partition(" ")[2].startswith(("/api/", "/vince/"))


def form_fields(world: Any, who: str) -> dict[str, str]:
    """The fields that every form of somebody carries."""
    return dict(world.people[who].form) if who in world.people else {}
