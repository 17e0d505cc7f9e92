"""Whose read it is: what is read for a person is read behind that person's wall; who reads as the machine is listed, with the reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "clearinghouse"

_SIGN_IN = "it is only being found out who asks"
_CREDENTIALS = "shows a person its own credentials, or an administrator figures of them; behind the wall there is no right to those tables"
_MACHINE = "the machine at work: no person sees what it reads"
_NUMBERS = "counts and ids of work, for an administrator"

PLAIN = {
    "app/reviews/analysing.py:analyse": "an analysis reads every cell as the machine; the actor was looked for as an evaluator, and the record is sealed",
    "app/reviews/running.py:may_go_on": _MACHINE,
    "app/reviews/running.py:releases_so_far": "a count of releases for the ask that the actor itself made",
    "app/reviews/running.py:_end": _MACHINE,
    "app/views/reviews.py:public_figures": "counts for everybody, small ones suppressed",
    "app/reviews/deeds.py:sweep": _MACHINE,
    "api/authentication.py:caller": _SIGN_IN,
    "web/visitor.py:visit": _SIGN_IN,
    "web/links.py:_show": _SIGN_IN,
    "web/identity.py:link_page": _SIGN_IN,
    "web/identity.py:_enrol": _SIGN_IN,
    "web/identity.py:_account": _CREDENTIALS,
    "web/administration.py:_show": _CREDENTIALS,
    "web/administration.py:_all": _CREDENTIALS,
    "cli/parties.py:contact_list": _CREDENTIALS,
    "cli/grants.py:glass_list": _CREDENTIALS,
    "cli/grants.py:session_list": _CREDENTIALS,
    "app/views/erasures.py:list_waiting": "who could confirm an erasure is shown the requests, of cases it need not read",
    "cli/instance.py:policy_show": "the policy in force, which is everybody's",
    "app/views/health.py:work_health": _NUMBERS,
    "app/keys.py:list_keys": _NUMBERS,
    "app/keys.py:_rewrap_all": _MACHINE,
    "app/keys.py:_finished": _MACHINE,
    "app/wiring.py:Instance.system": "finds the matcher",
    "app/wiring.py:Instance.desk": "finds the desk",
    "app/wiring.py:_assemble": "finds who acts",
    "app/process.py:take_in": "finds who sends",
    "app/process.py:deconflict": "counts, for the progress of the matcher",
    "app/reception.py:Reception.take": "numbers of reports just taken in, for waiting on the matcher",
    "app/relaying.py:accept": "whether this sender told this past differently before is judged against what others handed over",
    "app/packets.py:deliver_waiting": _MACHINE,
    "app/charter_fetch.py:renew_charters": _MACHINE,
    "app/process.py:_turn": _MACHINE,
    "app/views/maintainer.py:read_delivered": "one delivery, found by the grant of its vendor that the query joins",
    "web/packet_links.py:_look": _SIGN_IN,
    "web/packet_links.py:_contact": _CREDENTIALS,
    "app/doctor.py:_instance": _NUMBERS,
    "app/channels/incoming.py:take_mail": _MACHINE,
    "app/channels/incoming.py:_Arrival.answered": _MACHINE,
    "app/channels/incoming.py:_Arrival.answer": _MACHINE,
    "app/channels/incoming.py:_Arrival.report": _MACHINE,
    "app/channels/sender.py:Sender.send_due": _MACHINE,
    "app/channels/sender.py:Sender._send": "asks as the recipient whether it may still be told: by the joins, for a mail tells as little as they do",
    "app/channels/sender.py:Sender._mail": _MACHINE,
    "app/channels/sender.py:Sender._post": _MACHINE,
    "app/worker.py:Worker._hand_out": _MACHINE,
    "app/worker.py:Worker._follow_up": _MACHINE,
    "app/worker.py:Worker._reports_wait": _MACHINE,
    "app/worker.py:Worker._once_a_minute": _MACHINE,
    "app/worker.py:worker_of": _MACHINE,
    "app/matrix.py:fill_case": _MACHINE,
    "app/matrix.py:fill_component": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching.sign_new": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching.settle": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching.place_new": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching._place_claimed": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching._place_portion": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching._wait_for_earlier": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching._stored": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching.any_waiting": _MACHINE,
    "disclosure/deconfliction/jobs.py:Matching.placed_up_to": _MACHINE,
    "disclosure/intake/jobs.py:_Writer._find": "whether this sender's key was used before",
    "disclosure/intake/jobs.py:_Writer._remember": "what this job has kept already",
    "app/blind_check.py:keep_epoch": "public keys of epochs, which stand on the ledger",
    "app/blind_check.py:sweep": "the machine's: when the set was published",
    "app/blind_check.py:set_of": "tags published to everybody who may ask",
    "app/claim_check.py:hash_held": "the machine's: hashes of what is held, kept under a key and shown to nobody",
    "disclosure/deconfliction/blind/actions.py:tag_held": "the machine's: tags of what is held",
    "app/process.py:note_leads": "the machine's: which clusters reports are in",
    "disclosure/deconfliction/leads/actions.py:note_all": "the machine's: which clusters have several reports",
    "app/appeals.py:sweep": "whether the day of any appeal has passed; shown to nobody",
    "app/telling.py:sweep": "whether anything waits; shown to nobody",
    "app/commitments.py:tally": "five counts over everybody's, public",
    "app/commitments.py:known_from": "for coordinators of the case that handles the report; an instant and no more",
    "app/bench.py:_Shops.open": _MACHINE,
    "app/bench.py:_Shops.forget_erased": _MACHINE,
    "app/bench.py:_with_second": _MACHINE,
    "app/bench.py:_cases_built": _MACHINE,
    "app/bench.py:sweep": _MACHINE,
    "disclosure/validation/memory/cache.py:Memory.read": _MACHINE,
    "disclosure/validation/memory/cache.py:Memory.find_cell": _MACHINE,
    "disclosure/validation/memory/cache.py:Memory.find_build": _MACHINE,
    "app/matrix.py:fill_next": _MACHINE,
    "app/matrix.py:_fill_due": _MACHINE,
    "app/patch_trials.py:try_next": _MACHINE,
    "app/patch_trials.py:_try": _MACHINE,
    "disclosure/validation/queue/jobs.py:Bench._claim": _MACHINE,
    "disclosure/validation/queue/jobs.py:Bench._asked": _MACHINE,
    "disclosure/validation/queue/jobs.py:Bench._watch": _MACHINE,
    "evaluation/benchmarks/running/jobs.py:Runner.work": _MACHINE,
    "evaluation/benchmarks/running/jobs.py:_Work.do": _MACHINE,
    "evaluation/benchmarks/running/jobs.py:_Work._waiting": _MACHINE,
    "evaluation/benchmarks/running/jobs.py:_Work._try_controls": _MACHINE,
    "evaluation/benchmarks/running/jobs.py:_Work._look": _MACHINE,
    "app/gateway.py:_DatabaseSource._look": _MACHINE,
    "app/gateway.py:list_accesses": "an administrator stops accesses in need, and is shown who has one and until when",
    "app/gateway.py:meter_of": "the same: figures of an access, for an administrator",
    "app/gateway.py:verify_journal": "hashes and counts, which stand on the ledger",
    "ledger/actions.py:prove": "hashes and opaque ids, which are public",
    "ledger/actions.py:verify": "hashes and opaque ids, which are public",
    "ledger/actions.py:check_continues": "hashes and opaque ids, which are public",
    "storage/database.py:ping": "the database's version",
    "storage/migrate.py:current_revision": "the schema's revision",
}
"""Who calls `database.read()` without a viewer."""

BEYOND = {
    "app/views/reviews.py:_page": "the hours that a model version used over all its reviews; a sum is shown, of what the developer itself began",
    "app/bundles.py:_blocks": "blocks of relays that reports of the exported case came with; who exports hands them on",
    "app/views/around.py:room_of": "which case handles a report; the case itself is then read behind the wall",
    "app/views/case_room.py:list_invitations": "who is asked in may not read the case yet; found by the party asked, nothing else is told",
    "app/views/live.py:watch": "the same, and counts alone",
    "app/views/queue.py:_invitations": "the same",
    "app/views/cases.py:read_case": "which number a cluster was named by, and which leads it; shown only where the viewer reads that report",
    "app/views/cases.py:list_cases": "which report leads a cluster, by number; its title is shown only where the viewer reads it",
    "app/views/case_room.py:read_room": "of the reports that the viewer is shown, which leads, and the instants of commitments to them",
    "app/views/appeals.py:read_appeal": "whether another coordinator reads the report and could answer; neither who nor how many is told",
    "app/views/embargo_clock.py:_gather": "the true date follows from terms that not everybody reads; the view shows by tier",
    "app/views/maintainer.py:read_maintainer": "the order of the queue follows from all that waits; the view asks first who speaks for the vendor",
    "disclosure/coordination/capacity/actions.py:read_queue": "the same",
    "app/views/queue.py:_proposals": "which numbers people have spoken of; no reasons",
    "app/views/report.py:read_report": "the instant at which its finder had committed to the very report that is read",
    "app/views/statistics.py:read_statistics": "the same",
    "app/views/inbox.py:lines_of": "which reports of a group were taken back, so that none of them leads it; numbers only",
    "app/views/telling.py:read_tellings": "what may be told of a report follows from what people said of others (decision 2)",
    "evaluation/benchmarks/running/store.py:read_progress": "sums over samples, without how any ended, for who takes part in the review of the run",
    "parties/grants.py:list_grants": "who reads an object is asked by one who reads it, which the query itself asks",
}
"""Who takes a look beyond the wall within a viewer's read."""


def calls(tree: ast.AST, names: tuple[str, ...] = ()) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the name of the function it stands in."""
    for child in ast.iter_child_nodes(tree):
        inside = (*names, child.name) if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else names
        if isinstance(child, ast.Call):
            yield ".".join(inside), child
        yield from calls(child, inside)


def found(wanted: str) -> set[str]:
    places = set()
    for path in sorted(SOURCE.rglob("*.py")):
        for name, call in calls(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call.func, ast.Attribute):
                continue
            on = call.func.value
            of = on.attr if isinstance(on, ast.Attribute) else on.id if isinstance(on, ast.Name) else ""
            plain = call.func.attr == "read" and of.strip("_") == "database" and not any(given.arg == "viewer" for given in call.keywords)
            if (wanted == "plain" and plain) or (wanted == "beyond" and call.func.attr == "beyond_wall"):
                places.add(f"{path.relative_to(SOURCE).as_posix()}:{name}")
    return places


def test_who_reads_without_a_viewer_is_listed_with_the_reason() -> None:
    assert found("plain") == set(PLAIN)
    assert all(PLAIN.values())


def test_who_looks_beyond_the_wall_is_listed_with_the_reason() -> None:
    assert found("beyond") == set(BEYOND)
    assert all(BEYOND.values())


def test_pages_and_the_api_read_without_a_viewer_only_to_sign_in_and_for_credentials() -> None:
    edges = {place: why for place, why in PLAIN.items() if place.startswith(("api/", "web/"))}
    assert set(edges.values()) <= {_SIGN_IN, _CREDENTIALS}
