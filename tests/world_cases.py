"""What happens in the seeded world: the cases A, B and C, who takes part in them, and who no longer does."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench_support import BENIGN, PATCH, REPRODUCER, SOURCE, Benches, recipe_text, tried_as_it_seems
from clearinghouse.app import blind_check, patch_trials, validating
from clearinghouse.app.matrix import fill_case
from clearinghouse.app.packets import deliver_waiting, queue_packet
from clearinghouse.core.events import Event
from clearinghouse.core.ids import CaseId, PartyId, new_id
from clearinghouse.core.roles import MAY, Role, Scope
from clearinghouse.disclosure.coordination.asks import actions as asks
from clearinghouse.disclosure.deconfliction.learning import store as learning
from clearinghouse.disclosure.deconfliction.learning.records import Difference, Proposal, ProposalKind
from clearinghouse.disclosure.intake import actions as intake
from clearinghouse.disclosure.intake import store as intake_store
from clearinghouse.disclosure.intake.commitments import rules as commitments
from clearinghouse.disclosure.validation.dockets.records import MaterialKind
from clearinghouse.ledger import actions as ledger
from clearinghouse.parties import actions as parties
from clearinghouse.parties.records import Party
from review_support import AGREEMENT
from toy_bench import ToyWorkshop
from world import DIRECTORY, EVERYBODY, UNNAMED, World

# Everybody who is told of case A at all, by how much.
A_ROOM = ("desk", "vendor_a", "colleague_a", "finder_a", "hidden", "second", "roomer")
A_SUMMARY = (*A_ROOM, "watcher")
A_WORKING = ("desk", "vendor_a", "colleague_a", "roomer")
"""Who reads the whole room: not the reporters, each of whom is here for its own report."""
A_DEEP = ("desk", "vendor_a", "colleague_a")
A_PAST = ("gone", "lapsed", "declined")
A_ASKED = ("invited",)
NOBODIES = ("nobody", "expired", "revoked", "unknown_token", "garbage", "other_scheme")


def populate(world: World) -> None:
    """Cases A and B, disjoint, and strangers of every kind."""
    _people(world)
    case_a = _case_a(world)
    _case_b(world)
    _ask(world, case_a)
    _appeal(world)
    _review(world)
    # Whoever was read in until an instant is so no longer.
    world.clock.at += timedelta(hours=2)
    _worthless_tokens(world)
    world.sign_in(*world.people)


def _people(world: World) -> None:
    instance = world.instance
    cert = _party(world, instance.actor.organisation)
    for name in ("desk", "former_desk"):
        told = (*A_SUMMARY, *A_ASKED) if name == "desk" else ()
        world.add_person(name, cert, Role.COORDINATOR, Role.REPORTER, readers=told)
    with instance.database.write() as tx:
        for name in ("desk", "former_desk"):
            parties.join_team(tx, instance.desk, world.people[name].party.id, actor=instance.actor.id, now=world.clock.now())
        parties.leave_team(tx, instance.desk, world.people["former_desk"].party.id, actor=instance.actor.id, now=world.clock.now())
    world.add_person("admin", cert, Role.ADMINISTRATOR)
    world.add_person("overseer", cert, Role.OVERSEER)
    b_people = ("outside", "finder_b", "vendor_b")
    for name, role, readers in (
        ("finder_a", Role.REPORTER, A_SUMMARY), ("hidden", Role.REPORTER, ("desk",)), ("second", Role.REPORTER, (*A_WORKING, "watcher")),
        ("vendor_a", Role.VENDOR, A_SUMMARY), ("roomer", Role.VENDOR, A_SUMMARY), ("watcher", Role.VENDOR, A_SUMMARY),
        ("gone", Role.VENDOR, A_SUMMARY), ("lapsed", Role.VENDOR, A_SUMMARY), ("declined", Role.VENDOR, A_SUMMARY),
        ("invited", Role.VENDOR, A_SUMMARY), ("outside", Role.COORDINATOR, b_people), ("finder_b", Role.REPORTER, b_people),
        ("vendor_b", Role.VENDOR, b_people), ("passer_by", Role.REPORTER, ()),
    ):
        organisation = world.add_organisation(name, name, *readers, *DIRECTORY)
        world.add_person(name, organisation, role, readers=readers)
    world.add_person("developer", world.add_organisation("developer", "developer", "evaluator", "authority", *DIRECTORY), Role.DEVELOPER, readers=("evaluator", "authority"))
    world.add_person("rival", world.add_organisation("rival", "rival", *DIRECTORY), Role.DEVELOPER)
    for name, role in (("evaluator", Role.EVALUATOR), ("authority", Role.AUTHORITY)):
        world.add_person(name, cert, role, readers=("developer", "evaluator", "authority"))
    world.add_person("colleague_a", world.organisations["vendor_a"], Role.VENDOR, readers=A_SUMMARY)


def _review(world: World) -> None:
    """A model of a developer under review by the desk's people, who know more of it than the developer does."""
    desk = ("evaluator", "authority")
    both = ("developer", *desk)
    asked = {"kind": "access", "model": world.mark("a model", *both), "version": "1", "question": world.mark("what a developer asks", *both)}
    review = world.do("developer", "POST", "/reviews", asked)["id"]
    world.thing("review_id", review, both)
    deeds = f"/reviews/{review}/deeds"
    world.do("developer", "POST", deeds, {"deed": "submit"})
    terms = AGREEMENT.replace("The desk's own machines", world.mark("terms", *both))
    world.do("authority", "POST", deeds, {"deed": "draft-agreement", "words": {"document": terms}})
    [document] = world.do("developer", "GET", f"/reviews/{review}")["documents"]
    world.thing("review_document_id", document["id"], both, parent=review)
    conflict = {"entity": world.mark("whom somebody is bound to", *desk), "words": world.mark("a conflict of interest", *desk), "recuse": "no"}
    world.do("evaluator", "POST", deeds, {"deed": "declare-conflict", "words": conflict})


def _appeal(world: World) -> None:
    """Let a finder of case A contest what it is told of its own report; those on duty for the report read that."""
    readers = ("operator", "desk", "second")
    own = next(thing.id for thing in world.things if thing.kind == "report_id" and not thing.parent and "second" in thing.readers)
    made = world.do("second", "POST", f"/reports/{own}/appeals", {"question": "credit", "reason": world.mark("an appeal", *readers)})
    world.thing("appeal_id", made["id"], readers)


def _ask(world: World, case: str) -> None:
    """Let a finder of the other case ask to take part in this one, of which it is not told; the coordinators alone read that."""
    instance, now, asker = world.instance, world.clock.now(), world.people["finder_b"].party
    with instance.database.write() as tx:
        [report] = [thing.id for thing in world.things if thing.kind == "report_id" and thing.parent and "outside" in thing.readers]
        found = intake.read_report(tx, report, envelope=instance.envelope, viewer=asker.id, now=now)
        asks.ask_to_join(
            tx, found, [CaseId(case)], world.mark("an ask to take part", "desk"), actor=asker.id, envelope=instance.envelope,
            policy=instance.policy.joining, now=now,
        )
    [waiting] = world.do("desk", "GET", f"/cases/{case}/asks")["asks"]
    world.thing("ask_id", waiting["id"], ("desk",), parent=case)


def _proposal(world: World, case: str, one: str, other: str, readers: tuple[str, ...]) -> None:
    """What a newer model would do to the cluster of two reports; those on duty for both may answer."""
    instance, now = world.instance, world.clock.now()
    with instance.database.write() as tx:
        numbers = sorted(intake_store.system_numbers(tx, [one, other]))
        difference = Difference(ProposalKind.JOIN, ((numbers[0],), (numbers[1],)))
        made = Proposal(new_id("prp"), difference, numbers[0], numbers[1], 0.1, 0.9, "sha256:" + "0" * 64, "sha256:" + "1" * 64, now)
        learning.add_proposals(tx, [made])
        ledger.record(tx, Event("ModelDiffered", (made.id,)), actor=instance.system, now=now)
    world.thing("model_proposal_id", made.id, readers, parent=case)


def _case_a(world: World) -> str:
    mark = world.mark
    desk = ("operator", "desk")
    first = world.send(
        "finder_a", world.finding("a", (*desk, "finder_a", *A_WORKING), (*desk, "finder_a", *A_DEEP)),
        readers=(*desk, "finder_a"), known=A_WORKING,
    )
    hidden = world.send("hidden", world.finding(
        "a", (*desk, "hidden", *A_WORKING), (*desk, "hidden", *A_DEEP), name="hidden",
        reporter=f"Hidden Person {mark('a hidden reporter', *desk, 'hidden')}", consents=UNNAMED,
    ), readers=(*desk, "hidden"), known=A_WORKING)
    second = world.send("second", world.finding(
        "a", (*desk, "second", *A_WORKING), (*desk, "second", *A_DEEP), name="second"
    ), readers=(*desk, "second"), known=A_WORKING)
    case = world.do("desk", "POST", "/cases", {
        "reports": [first, hidden, second], "title": f"Case A {mark('a title', *A_SUMMARY)}", "summary": mark("a summary", *A_SUMMARY),
        "reason": mark("a reason of opening", *A_WORKING), "marks": {"tlp": "AMBER", "legal_basis": mark("a legal basis", *A_SUMMARY)},
    })["id"]
    # An ended participant knows the id it once saw; the id alone opens nothing.
    world.thing("case_id", case, A_SUMMARY, known=(*A_PAST, *A_ASKED))
    for kind, report, sender in (("report_id", first, "finder_a"), ("report_id", hidden, "hidden"), ("report_id", second, "second")):
        world.thing(kind, report, (*A_WORKING, sender), parent=case)
    _proposal(world, case, first, second, desk)
    for name in ("desk", "vendor_a's", "finder_a", "second", "hidden"):
        world.thing("party_id", world.id(name), (*DIRECTORY, "hidden") if name == "hidden" else (*A_SUMMARY, *DIRECTORY), parent=case)
    at = f"/cases/{case}"
    for name, role, more in (
        ("vendor_a's", "vendor", {}), ("roomer", "observer", {"tier": 2}), ("watcher", "observer", {}), ("gone", "vendor", {}),
        ("lapsed", "vendor", {"until": (world.clock.now() + timedelta(hours=1)).isoformat()}), ("declined", "vendor", {}),
        ("invited", "vendor", {}),
    ):
        person = name.removesuffix("'s")
        reason = f"please {mark(f'a invitation of {person}', *A_WORKING, person)}"
        world.do("desk", "POST", f"{at}/participants", {"party": world.id(name), "role": role, "reason": reason, **more})
        if person == "declined":
            world.do(person, "POST", f"{at}/refuse", {"reason": mark("a refusal", *A_WORKING, person)})
        elif person != "invited":
            world.do(person, "POST", f"{at}/accept")
    flaw = world.do("desk", "POST", f"{at}/vulnerabilities", {
        "title": f"Flaw {mark('a vulnerability', *A_SUMMARY)}", "identifiers": ["CVE-2026-40001"], "reports": [first, second],
    })["id"]
    world.thing("vulnerability_id", flaw, A_SUMMARY, parent=case)
    world.do("vendor_a", "POST", f"{at}/vulnerabilities/{flaw}/statements", {
        "status": "known_affected", "statement": mark("a statement", *A_SUMMARY),
    })
    for author in ("desk", "hidden", "gone", "vendor_a"):
        said = world.do(author, "POST", f"{at}/threads/official/messages", {"body": f"hello {mark(f'a message of {author}', *A_ROOM)}"})["id"]
        world.thing("message_id", said, A_ROOM, parent=case, known=(*A_PAST,))
    _thread(world, case, "vendor_a", "finder_a", ("vendor_a", "colleague_a", "finder_a"))
    _thread(world, case, "desk", "vendor_a's", ("desk", "vendor_a", "colleague_a"))
    for kind, readers in (("reproducer", (*A_DEEP, "finder_a", "hidden", "second")), ("patch", A_ROOM)):
        _document(world, case, "desk", kind, readers, f"a {kind}", known=A_ROOM)
    _validated(world, case, second)
    decided = world.do("desk", "POST", f"{at}/decisions", {"kind": "severity", "reason": mark("a decision", *A_WORKING), "subject": flaw})["id"]
    world.thing("decision_id", decided, A_WORKING, parent=case)
    world.do("vendor_a", "POST", f"{at}/report-state", {"verb": "validate", "reason": mark("a step", *A_WORKING)})
    _embargo(world, case, "a", ("desk", "vendor_a"), A_ROOM, ("desk",), party="vendor_a's")
    _delivery(world, case, "desk", "vendor_a's", A_SUMMARY)
    world.do(
        "desk", "POST", "/charters?reason=they+asked&for=" + world.id("vendor_a's"),
        body=b'charter = 1\n[project]\nname = "libmagic"\nrepositories = ["https://github.com/example/libmagic"]\n',
    )
    # Whose project a charter is for is public with it.
    world.thing("party_id", world.id("vendor_a's"), (EVERYBODY,), parent="charter")
    _beside_cases(world, "a", "finder_a", "vendor_a", ("operator", "desk"))
    world.do("desk", "POST", f"{at}/participants/{world.id('gone')}/remove", {"reason": mark("a removal", *A_WORKING)})
    _look_round(world, case, "desk", A_ROOM, A_SUMMARY)
    _commitment(world, "finder_a", "a", desk=desk)
    # The set of tags is published to everybody who may ask; what is in it is told by nothing but a key.
    world.thing("epoch_id", blind_check.keep_epoch(world.instance).id, (EVERYBODY,))
    blind_check.sweep(world.instance)
    # Duties are named by the policy, which is no secret.
    world.thing("duty_id", "cra-early-warning", (EVERYBODY,))
    return str(case)


def _validated(world: World, case: str, report: str) -> None:
    """Let the desk have a report of case A validated, and the bench of another house do it; who is here for another report is not told."""
    instance, readers = world.instance, (*A_WORKING, "second")
    desk, patch = instance.acting_as(world.people["desk"].party), ""
    for kind, body in ((MaterialKind.SOURCE, SOURCE), (MaterialKind.PATCH, PATCH), (MaterialKind.REPRODUCER, REPRODUCER), (MaterialKind.BENIGN, BENIGN)):
        kept = validating.add_material(desk, case, kind, f"{world.mark(f'a name of a {kind}', *A_WORKING)}.bin", body)
        world.thing("material_id", kept.id, A_WORKING, parent=case)
        patch = kept.id if kind is MaterialKind.PATCH else patch
    recipe = validating.add_material(desk, case, MaterialKind.RECIPE, "recipe.toml", recipe_text(f"Overflow {world.mark('a recipe', *readers)}"))
    world.thing("material_id", recipe.id, A_WORKING, parent=case)
    asked = validating.ask(desk, case, report, recipe.id)
    world.thing("validation_id", asked.id, readers, parent=case)
    Benches(instance).of(instance.actor).run_once()
    trial = patch_trials.ask(desk, case, patch, recipe.id)
    world.thing("trial_id", trial.id, A_WORKING, parent=case)
    tried_as_it_seems(instance, trial)
    reason = world.mark("a reason of a review", *A_WORKING)
    patch_trials.review(instance.acting_as(world.people["vendor_a"].party), case, trial.id, False, reason)
    assert fill_case(desk, case, ToyWorkshop), "something could leak"


def _delivery(world: World, case: str, coordinator: str, vendor: str, room: tuple[str, ...]) -> None:
    """Put a case before a vendor, and deliver it; who reads the case may know that it was."""
    queue_packet(world.instance.acting_as(world.people[coordinator].party), PartyId(world.id(vendor)), case, reproducer_confirmed=True)
    for delivery in deliver_waiting(world.instance):
        world.thing("delivery_id", delivery.id, room)


def _case_b(world: World) -> None:
    add_beside(world, "b", "outside", "finder_b", "vendor_b")


def add_case_c(world: World) -> None:
    """A third case of people whom nobody knew before: nothing that anybody else is shown may change by it."""
    people = ("outside_c", "finder_c", "vendor_c")
    for name, role in zip(people, (Role.COORDINATOR, Role.REPORTER, Role.VENDOR), strict=True):
        world.add_person(name, world.add_organisation(name, name, *people, *DIRECTORY), role, readers=people)
    # What is relayed is read by the desk: that would be no case of others for those on it.
    add_beside(world, "c", *people, relayed=False)
    world.sign_in(*people)


def add_beside(world: World, name: str, coordinator: str, finder: str, vendor: str, *, relayed: bool = True) -> str:
    """A case of a report that no desk reads: its people are these three."""
    mark, people = world.mark, (coordinator, finder, vendor)
    report = world.send_beside(finder, coordinator, world.finding(name, people, people), readers=(coordinator, finder), known=people)
    case = world.do(coordinator, "POST", "/cases", {
        "reports": [report], "title": f"Case {mark(f'{name} title', *people)}", "summary": mark(f"{name} summary", *people),
        "reason": mark(f"{name} reason of opening", coordinator, vendor), "marks": {"tlp": "AMBER"},
    })["id"]
    world.thing("case_id", case, people)
    world.thing("report_id", report, people, parent=case)
    for name in people:
        world.thing("party_id", world.id(name), (*people, *DIRECTORY), parent=case)
    at = f"/cases/{case}"
    reason = mark(f"{name} invitation", coordinator, vendor)
    world.do(coordinator, "POST", f"{at}/participants", {"party": world.id(vendor), "role": "vendor", "reason": reason})
    world.do(vendor, "POST", f"{at}/accept")
    flaw = world.do(coordinator, "POST", f"{at}/vulnerabilities", {"title": mark(f"{name} vulnerability", *people), "reports": [report]})["id"]
    world.thing("vulnerability_id", flaw, people, parent=case)
    world.do(vendor, "POST", f"{at}/vulnerabilities/{flaw}/statements", {"status": "fixed", "statement": mark(f"{name} statement", *people)})
    said = world.do(finder, "POST", f"{at}/threads/official/messages", {"body": mark(f"{name} message", *people)})["id"]
    world.thing("message_id", said, people, parent=case)
    _thread(world, case, coordinator, vendor, (coordinator, vendor))
    _document(world, case, coordinator, "advisory", people, f"{name} advisory")
    _embargo(world, case, name, (coordinator, vendor), people, (coordinator,), party=vendor)
    _delivery(world, case, coordinator, vendor, people)
    if relayed:
        _beside_cases(world, name, finder, vendor, ("operator", "desk"))
    decided = world.do(coordinator, "POST", f"{at}/decisions", {"kind": "scope", "reason": mark(f"{name} decision", coordinator, vendor)})["id"]
    world.thing("decision_id", decided, (coordinator, vendor), parent=case)
    _look_round(world, case, coordinator, people, people)
    _commitment(world, finder, name)
    return str(case)


def _look_round(world: World, case: str, coordinator: str, room: tuple[str, ...], summary: tuple[str, ...]) -> None:
    """Note what came about by itself: the official thread, and the event of opening."""
    seen = world.do(coordinator, "GET", f"/cases/{case}")
    official = next(line["thread"]["id"] for line in seen["threads"] if line["thread"]["kind"] == "official")
    world.thing("thread_id", official, room, parent=case)
    opened = next(line["id"] for line in seen["timeline"] if line["kind"] == "CaseOpened")
    world.thing("event_id", opened, summary, parent=case)


def _embargo(
    world: World, case: str, name: str, authors: tuple[str, str], room: tuple[str, ...], coordinators: tuple[str, ...], *, party: str
) -> None:
    """What is said of an instant to keep to, and of who does not answer."""
    at, mark, now = f"/cases/{case}", world.mark, world.clock.now()
    coordinator, vendor = authors
    proposed = world.do(vendor, "POST", f"{at}/embargo/proposals", {
        "ends_at": (now + timedelta(days=30)).isoformat(), "note": mark(f"{name} proposal", *room),
    })["state"]
    world.thing("proposal_id", proposed, (*room, "watcher") if name == "a" else room, parent=case)
    fact = {"milestone": "fix_expected", "at": (now + timedelta(days=9)).isoformat(), "note": mark(f"{name} milestone", *room)}
    world.do(vendor, "POST", f"{at}/embargo/facts", fact)
    recorded = world.do(coordinator, "GET", f"{at}/embargo")["facts"][0]["id"]
    world.thing("fact_id", recorded, room, parent=case)
    leak = world.do(vendor, "POST", f"{at}/embargo/leaks", {"where": mark(f"{name} leak", *room), "seen_at": now.isoformat()})["state"]
    world.thing("leak_id", leak, room, parent=case)
    whom = mark(f"{name} silent party", *coordinators, *(("vendor_a", "colleague_a") if name == "a" else (vendor,)))
    watch = world.do(coordinator, "POST", f"{at}/contact", {"whom": whom, "party": world.id(party)})["id"]
    world.thing("watch_id", watch, (*coordinators, *(("vendor_a", "colleague_a") if name == "a" else (vendor,))), parent=case)
    world.do(coordinator, "POST", f"{at}/contact/{watch}/attempts", {
        "channel": "mail", "result": "sent", "at": now.isoformat(), "note": mark(f"{name} attempt", *coordinators),
    })


def _beside_cases(world: World, name: str, finder: str, vendor: str, desk: tuple[str, ...]) -> None:
    """What belongs to somebody without a case: a subscription, and a report that another coordinator relayed."""
    hook = world.do(vendor, "POST", "/webhooks", {"url": f"https://hooks.example/{world.mark(f'{name} hook', vendor)}", "kinds": ["case.updated"]})
    world.thing("hook_id", hook["hook"]["id"], (vendor,))
    told = (finder, *desk)
    relayed = world.do(finder, "POST", "/relay", {
        "format": "clearinghouse-relay-1",
        "report": {"finding": {
            "title": world.mark(f"{name} relayed title", *told), "symbols": [f"relayed_{name}"], "description": world.mark(f"{name} relayed", *told),
        }},
        "provenance": {
            "credits": [{"name": world.mark(f"{name} credit", *told), "type": "finder"}], "chain": [], "deduplication": [],
            "origin": {"by": "lab.example", "id": world.mark(f"{name} origin", *told), "references": []},
        },
    })
    world.thing("handling_id", relayed["handling_id"], told)
    world.note_report(relayed["report_id"], relayed["submission_id"], told, ())
    world.wait_for_placement()


def _commitment(world: World, finder: str, what: str, *, desk: tuple[str, ...] = ()) -> None:
    """A commitment of a finder; opened to the desk where there is one to read it."""
    sections = {
        "report": b'{"title": "Committed %s", "symbols": ["committed_%s"]}' % (
            world.mark(f"{what} committed report", finder, *desk).encode(), finder.encode()),
        "patch": world.mark(f"{what} committed patch", finder, *desk).encode(),
    }
    nonces = {name: hashlib.sha256(f"{finder} {name}".encode()).digest() for name in ("", *sections)}
    claim, opening = commitments.make(
        sections, context=world.instance.settings.ledger_origin, nonce=nonces[""], section_nonces=nonces,
        key=Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{what} key".encode()).digest()),
    )
    made = world.do(finder, "POST", "/commitments", {
        "digest": claim.digest.hex(), "public_key": claim.public_key.hex(), "signature": claim.signature.hex(),
    })
    # What it names in public: its event, with which anybody may ask for the proof.
    world.thing("commitment_id", made["id"], (finder, *desk))
    if desk:
        opened = world.do(finder, "POST", f"/commitments/{made['id']}/open", commitments.render_opening(opening))
        receipt = world.do(finder, "GET", f"/submissions/{opened['submission_id']}")
        world.note_report(receipt["items"][0]["report_id"], opened["submission_id"], (finder, *desk), ())
        world.wait_for_placement()


def _thread(world: World, case: str, opener: str, member: str, readers: tuple[str, ...]) -> None:
    what = f"side thread of {opener} and {member} in {world.knows[case.encode()][0]} {len(world.things)}"
    thread = world.do(opener, "POST", f"/cases/{case}/threads", {"title": world.mark(f"{what}: title", *readers), "members": [world.id(member)]})["id"]
    world.thing("thread_id", thread, readers, parent=case)
    said = world.do(opener, "POST", f"/cases/{case}/threads/{thread}/messages", {"body": world.mark(f"{what}: message", *readers)})["id"]
    world.thing("message_id", said, readers, parent=case)
    name = world.mark(f"{what}: file name", *readers)
    body = world.mark(f"{what}: file", *readers).encode()
    file = world.do(opener, "POST", f"/cases/{case}/documents?name={name}.txt&kind=other&thread={thread}", body=body)["id"]
    world.thing("document_id", file, readers, parent=case)


def _document(world: World, case: str, by: str, kind: str, readers: tuple[str, ...], what: str, known: tuple[str, ...] = ()) -> None:
    # A name is told to whoever reads the room; the bytes of a reproducer are not.
    name = world.mark(f"{what}: file name", *readers, *known)
    body = world.mark(f"{what}: bytes", *readers).encode()
    file = world.do(by, "POST", f"/cases/{case}/documents?name={name}.bin&kind={kind}", body=body)["id"]
    world.thing("document_id", file, readers, parent=case, known=known)


def _worthless_tokens(world: World) -> None:
    instance, now = world.instance, world.clock.now()
    finder = world.people["finder_a"].party
    scopes = frozenset(scope for scope in Scope if finder.roles & MAY[scope])
    with instance.database.write() as tx:
        _, expired = parties.issue_token(tx, finder.id, scopes, now + timedelta(seconds=1), actor=instance.actor.id, now=now)
        token, revoked = parties.issue_token(tx, finder.id, scopes, now + timedelta(days=1), actor=instance.actor.id, now=now)
        parties.revoke_token(tx, token.id, actor=instance.actor.id, now=now)
    world.clock.at += timedelta(seconds=2)
    valid = world.people["finder_a"].headers["Authorization"].removeprefix("Bearer ")
    world.tokens |= {
        "nobody": {}, "expired": {"Authorization": f"Bearer {expired}"}, "revoked": {"Authorization": f"Bearer {revoked}"},
        "unknown_token": {"Authorization": "Bearer ch.tok_" + "a" * 26 + "." + valid.rpartition(".")[2]},
        "garbage": {"Authorization": "Bearer \u00e4\u00f6\u00fc"}, "other_scheme": {"Authorization": "Basic " + valid},
    }


def _party(world: World, party_id: Any) -> Party:
    with world.instance.database.read() as tx:
        return parties.get_party(tx, party_id)


def database_of(kind: str, folder: Path, server: str) -> str:
    """The URL of an empty database of a kind."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'world.db'}"
    import os

    import psycopg

    name = "w" + os.urandom(8).hex()
    with psycopg.connect(server + "postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return server + name
