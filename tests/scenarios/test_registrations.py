"""What the sidecar knows of who is registered: as the edge has it, also when an edge has died."""

from __future__ import annotations

import asyncio
import json

import pytest

from lab.deployment import Wishes
from lab.udp import User
from lab.waiting import wait_until
from lab.wic import Closed


GRACE = {"edges": {"grace_seconds": 5}}
ALICE, BOB, CAROL = (
    User(f"{n}@ims.example", f"sip:{n}@ims.example") for n in ("alice", "bob", "carol")
)


def copy_of(lab, *words):
    """What stands, by the sidecar's copy."""
    return lab.sidecar.ctl_json("registrations", "list", *words)


def impus_of(lab, *words):
    return {each["impu"] for each in copy_of(lab, *words)}


def wait_for_copy(lab, impus, *words, seconds=5):
    wait_until(lambda: impus_of(lab, *words) == impus, seconds=seconds, what=f"copy of {impus}")


def events_of(lab, count):
    """So many events of the oldest that are kept."""
    words = ("--output", "json", "events", "watch", "--from", "oldest", "--count", str(count))
    lines = lab.sidecar.ctl(*words).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


async def registered(lab, user, **more):
    wic = await lab.connect()
    assert (await wic.register(user.impu, lab.bearer("portal", user.impi, **more))).status == 200
    return wic


@pytest.mark.req("SX-30")
async def test_who_registers_is_listed_and_who_ends_is_not(lab, user):
    async with await registered(lab, user, jti=f"jti of {user.impi}") as wic:
        wait_for_copy(lab, {user.impu}, "--impi", user.impi)
        (listed,) = copy_of(lab, "--impi", user.impi)
        ended = await wic.register(user.impu, lab.bearer("portal", user.impi), expires=0)
        assert ended.status == 200

    assert listed["state"] == "STANDS"
    assert (listed["wwsf"], listed["authorization_entity"]) == (
        "wwsfs/portal",
        "authorizationEntities/waf",
    )
    assert listed["contact"].startswith(f"sip:{wic.user}@{wic.host}")
    wait_for_copy(lab, set(), "--impi", user.impi)
    (over,) = copy_of(lab, "--impi", user.impi, "--ended")
    assert (over["state"], over["cause"]) == ("ENDED", "client")
    # who could act as whom, and when, is on record; the token is not
    began, ended = (
        [line for line in lab.sidecar.events(name) if line["impi"] == user.impi]
        for name in ("registration.began", "registration.ended")
    )
    assert [(each["wwsf"], each["entity"], each["impu"]) for each in (*began, *ended)] == [
        ("portal", "waf", user.impu)
    ] * 2
    assert began[0]["jti_digest"] == ended[0]["jti_digest"] != ""
    assert ended[0]["cause"] == "client"


@pytest.mark.req("S003-3")
async def test_the_last_end_of_two_devices_releases_the_identity(own_lab):
    lab = own_lab(None)
    one, two = [await registered(lab, ALICE) for _ in range(2)]
    wait_until(lambda: len(copy_of(lab)) == 2, seconds=5, what="both devices")
    token = lab.bearer("portal", ALICE.impi)
    assert (await one.register(ALICE.impu, token, expires=0)).status == 200
    wait_until(lambda: len(copy_of(lab)) == 1, seconds=5, what="end of one")
    bob = await registered(lab, BOB)
    wait_for_copy(lab, {BOB.impu}, "--impi", BOB.impi)
    assert (await bob.register(BOB.impu, lab.bearer("portal", BOB.impi), expires=0)).status == 200
    assert (await two.register(ALICE.impu, token, expires=0)).status == 200

    first, second = events_of(lab, 2)
    assert [(each["impi"], each["wwsf"]) for each in (first, second)] == [
        (BOB.impi, "wwsfs/portal"),
        (ALICE.impi, "wwsfs/portal"),
    ]
    assert second["may_return_until"] > second["time"]
    for wic in (one, two, bob):
        await wic.close()


async def test_a_revoked_token_cannot_bring_its_identity_back(own_lab):
    lab = own_lab(None)
    async with await registered(lab, ALICE):
        wait_for_copy(lab, {ALICE.impu})
        await asyncio.to_thread(
            lab.sidecar.ctl, "revocations", "create", "--impi", ALICE.impi, "--note", "stolen"
        )
        (event,) = await asyncio.to_thread(events_of, lab, 1)

    assert (event["impi"], event["cause"]) == (ALICE.impi, "ordered")
    assert "may_return_until" not in event


async def test_why_a_revoked_token_is_refused_is_explained(lab, user):
    token = lab.bearer("portal", user.impi)
    words = ("revocations", "create", "--impi", user.impi, "--note", "phone was stolen")
    await asyncio.to_thread(lab.sidecar.ctl, *words)
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, token)).status == 401

    explained = lab.sidecar.ctl("explain", "--match", user.impi)
    assert "token_revoked" in explained
    assert "phone was stolen" in explained


@pytest.mark.req("S000-25", "SX-9")
async def test_all_tokens_of_a_wwsf_are_revoked_and_no_other_wwsf_notices(own_lab):
    lab = own_lab(None)
    old = lab.bearer("partner", CAROL.impi)
    async with await registered(lab, ALICE) as other, await lab.connect("partner") as wic:
        assert (await wic.register(CAROL.impu, old)).status == 200
        await asyncio.to_thread(lab.sidecar.ctl, "revocations", "create", "--wwsf", "partner")
        async with asyncio.timeout(1):
            assert (await wic.closed()).code == 1008

        assert other.is_open
        token = lab.bearer("portal", ALICE.impi)
        assert (await other.register(ALICE.impu, token)).status == 200
    async with await lab.connect("partner") as again:
        assert (await again.register(CAROL.impu, old)).status == 401


@pytest.mark.req("SX-28")
async def test_what_a_killed_edge_left_is_taken_out_of_the_core_unless_reclaimed(own_lab):
    lab = own_lab(Wishes(sidecar=GRACE))
    alice, bob = await registered(lab, ALICE), await registered(lab, BOB)
    wait_for_copy(lab, {ALICE.impu, BOB.impu})
    lab.edge.kill()
    lab.edge.start()
    lab.edge.wait_for_policy()
    left = wait_until(lambda: states_of(lab) == {"LEFT_BEHIND"}, seconds=5, what="what was left")
    assert left
    # Bob's page is still there, and comes back with the same contact.
    back = await lab.connect()
    back.user, back.host = bob.user, bob.host
    assert (await back.register(BOB.impu, lab.bearer("portal", BOB.impi))).status == 200

    lab.core.scscf.wait_until_gone(ALICE.impu, seconds=12)
    wait_for_copy(lab, {BOB.impu}, seconds=10)
    assert lab.core.scscf.registered(BOB.impu)
    causes = {each["impu"]: each["cause"] for each in ended_of(lab)}
    assert causes == {ALICE.impu: "edge_lost", BOB.impu: "replaced"}
    for wic in (alice, bob, back):
        await wic.close()


@pytest.mark.req("SX-28")
async def test_registrations_survive_a_planned_restart_of_edge_and_sidecar(own_lab):
    """Drained, both are stopped; the core hears of nobody but of who does not come back."""
    lab = own_lab(Wishes(sidecar=GRACE))
    alice, bob = await registered(lab, ALICE), await registered(lab, BOB)
    wait_for_copy(lab, {ALICE.impu, BOB.impu})
    since = lab.core.scscf.mark()
    await asyncio.to_thread(lab.sidecar.ctl, "drain", "epcscf1.ims.example", "--over", "1s")
    assert [await wic.closed() for wic in (alice, bob)] == [Closed(1012, "service restart")] * 2
    assert lab.edge.stop()
    assert lab.sidecar.stop()
    lab.sidecar.start()
    assert impus_of(lab) == {ALICE.impu, BOB.impu}
    lab.edge.start()
    lab.edge.wait_for_policy()

    # the drain was for the restart and went with it
    back = await lab.connect()
    back.user, back.host = bob.user, bob.host
    assert (await back.register(BOB.impu, lab.bearer("portal", BOB.impi))).status == 200
    lab.core.scscf.wait_until_gone(ALICE.impu, seconds=20)
    wait_for_copy(lab, {BOB.impu}, seconds=10)
    told = lab.core.scscf.wire("REGISTER", since)
    assert [BOB.impu in each.one("To") for each in told if each.one("Expires") == "0"] == [False]
    assert lab.core.scscf.registered(BOB.impu)
    await back.close()


def states_of(lab):
    return {each["state"] for each in copy_of(lab)}


def ended_of(lab):
    return [each for each in copy_of(lab, "--ended") if each["state"] == "ENDED"]


def three_views(lab, users):
    """Who is registered, by edge, core and sidecar."""
    return {
        "edge": {user.impu for user in users if lab.edge.stands(user.impu)},
        "core": {user.impu for user in users if lab.core.scscf.registered(user.impu)},
        "sidecar": {each["impu"] for each in copy_of(lab) if each["state"] == "STANDS"},
    }
