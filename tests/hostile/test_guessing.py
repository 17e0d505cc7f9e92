"""Guessing and planting: passwords, receipts, links and sessions."""

import re
from datetime import timedelta

import pytest

from clearinghouse.parties.identity.links import actions as links
from clearinghouse.parties.identity.links.records import LinkPurpose
from clearinghouse.web.rendering import CSRF_FIELD
from clearinghouse.web.visitor import BROWSER, SESSION
from direct_calls import Answer
from world import World

STRANGER = {"Cookie": f"{BROWSER}={'s' * 43}", "Content-Type": "application/x-www-form-urlencoded"}


def post(world: World, path: str, headers: dict[str, str] | None = None, seen: str = "/sign-in", **fields: str) -> Answer:
    """A form of a browser that nobody is signed in with, or of another one."""
    sent = {**STRANGER, **(headers or {})}
    token = re.search(rf'name="{CSRF_FIELD}" value="([0-9a-f]+)"', world.application.call("GET", seen, sent).text)
    assert token is not None
    body = "&".join(f"{name}={value}" for name, value in {CSRF_FIELD: token[1], **fields}.items()).encode()
    return world.application.call("POST", path, sent, body)


def later(world: World) -> None:
    """A day on, when failures are forgotten; everybody signs in again."""
    world.clock.at += timedelta(hours=25)
    world.sign_in(*world.people)


def test_passwords_are_not_guessed(world: World) -> None:
    statuses = [post(world, "/sign-in", name=world.id("desk"), password=f"guess-{n}-of-many", code="000000").status for n in range(12)]
    assert statuses[0] == 403
    assert statuses[-1] == 429
    assert 429 in statuses[:8]
    later(world)


def test_name_that_is_nobodys_answers_as_one_that_is_somebodys(world: World) -> None:
    answers = []
    for name in (world.id("desk"), "pty_" + "a" * 26, "nobody@nowhere.example", "x" * 5000, "' or 1=1 --"):
        answers.append(post(world, "/sign-in", name=name[:26], password="wrong wrong wrong", code="000000"))
        later(world)
    shapes = {(answer.status, re.sub(rb'value="[^"]*"', b"", answer.body), len(answer.statements)) for answer in answers}
    assert len(shapes) == 1, [(answer.status, len(answer.body), len(answer.statements)) for answer in answers]


def test_receipts_are_not_guessed(world: World) -> None:
    statuses = [post(world, "/status", seen="/status", code=f"AAAA-BBBB-CCCC-{n:04}").status for n in range(12)]
    assert statuses[0] in (200, 403, 422)
    assert statuses[-1] == 429
    later(world)


def test_session_text_planted_before_signing_in_is_worth_nothing_after(world: World, case: str) -> None:
    """Session fixation: whatever a browser came with, what it leaves with is another one, and the planted one has ended."""
    victim = world.people["finder"]
    planted = world.people["vendor"].headers["Cookie"]
    with world.instance.database.write() as tx:
        _, text = links.make_link(
            tx, victim.party.id, victim.party.id, LinkPurpose.SIGN_IN, once=True, policy=world.instance.policy.identity,
            actor=victim.party.id, now=world.clock.now(),
        )
    world.sign_in("vendor")
    planted = world.people["vendor"].headers["Cookie"]
    answer = post(world, "/sign-in/link", {"Cookie": planted}, seen=f"/sign-in/link/{text}", text=text)
    assert answer.status == 303
    fresh = answer.cookies[SESSION]
    assert fresh not in planted
    assert world.application.call("GET", "/account", {"Cookie": planted}).status == 303
    assert world.application.call("GET", "/account", {"Cookie": f"{SESSION}={fresh}"}).status == 200
    again = post(world, "/sign-in/link", {"Cookie": planted}, text=text)
    assert again.status in (403, 404)
    world.sign_in("vendor")


@pytest.mark.parametrize("cookie", ["", "x", "chs.ses_" + "a" * 26 + ".x", "\u00e4", "a" * 9000, "chs..", "ses_.."])
def test_session_that_is_none_is_nobody(world: World, cookie: str) -> None:
    answer = world.application.call("GET", "/account", {"Cookie": f"{SESSION}={cookie}"})
    assert (answer.status, answer.header("location")) == (303, "/sign-in?back=/account")


def test_links_are_all_the_same_where_they_are_not_good(world: World, case: str) -> None:
    now, policy = world.clock.now(), world.instance.policy.identity
    vendor, desk = world.people["vendor"].party, world.people["desk"].party
    with world.instance.database.write() as tx:
        _, good = links.make_link(tx, vendor.id, case, LinkPurpose.ACT_ON_CASE, once=False, policy=policy, actor=desk.id, now=now)
        ended, revoked = links.make_link(tx, vendor.id, case, LinkPurpose.ACT_ON_CASE, once=False, policy=policy, actor=desk.id, now=now)
        links.revoke_link(tx, ended.id, actor=desk.id, now=now)
        _, old = links.make_link(
            tx, vendor.id, case, LinkPurpose.ACT_ON_CASE, once=False, expires_at=now + timedelta(seconds=1), policy=policy, actor=desk.id, now=now
        )
        _, other = links.make_link(tx, desk.id, desk.id, LinkPurpose.SIGN_IN, once=True, policy=policy, actor=desk.id, now=now)
    world.clock.at += timedelta(seconds=2)
    assert world.application.call("GET", f"/act/{good}", STRANGER).status == 200
    tried = [revoked, old, other, good[:-1] + ("a" if good[-1] != "a" else "b"), "clh.lnk_" + "a" * 26 + ".x"]
    answers = [world.application.call("GET", f"/act/{text}", STRANGER) for text in tried]
    assert {(answer.status, answer.body, answer.headers) for answer in answers} == {(404, answers[0].body, answers[0].headers)}
    assert world.application.call("GET", f"/sign-in/link/{good}", STRANGER).status in (403, 404)


def test_link_reaches_its_one_case_and_nothing_else(world: World, case: str) -> None:
    now, policy = world.clock.now(), world.instance.policy.identity
    with world.instance.database.write() as tx:
        _, text = links.make_link(
            tx, world.people["vendor"].party.id, case, LinkPurpose.ACT_ON_CASE, once=False, policy=policy,
            actor=world.people["desk"].party.id, now=now,
        )
    shown = world.application.call("GET", f"/act/{text}", STRANGER)
    assert SESSION not in shown.cookies
    thread = next(thing.id for thing in world.things if thing.kind == "thread_id" and "finder" not in thing.readers)
    before = world.leaks(shown.everything(), "vendor")
    assert before == set()
    answer = post(world, f"/act/{text}/message", seen=f"/act/{text}", body="hello", thread=thread)
    assert answer.status == 303
    side = world.do("desk", "GET", f"/cases/{case}/threads/{thread}/messages")
    assert all(message["body"] != "hello" for message in side)
