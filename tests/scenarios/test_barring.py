"""A WWSF or a WAF that is cut off: F11, for connections that were open before."""

from __future__ import annotations

import pytest

from lab.wic import Closed, Wic


CUT = Closed(1008, "policy violation")
ORIGIN = "https://suspect.example"
ISSUER = "https://waf.suspect.example"


@pytest.fixture(scope="module")
def suspect(lab):
    """A WWSF, and its WAF, with a way to set the state of either."""
    keys = lab.issuers["portal"].write_jwks(lab.run_dir / "suspect.jwks")
    ctl = lab.sidecar.ctl
    entity = ("--issuer", ISSUER, "--location", "third-party", "--entity-id", "suspect")
    source = ("--jwks-file", str(keys), "--algorithm", "ES256")
    ctl("entity", "create", "suspect", *entity, *source)
    ctl("wwsf", "create", "suspect", "--origin", ORIGIN, "--entity", "suspect")

    def set_state(kind, state):
        stamp = lab.edge.row("ep_stamp", "suspect/suspect")
        ctl(kind, "update", "suspect", "--state", state)
        lab.edge.wait_until(
            lambda: lab.edge.row("ep_stamp", "suspect/suspect") != stamp, seconds=5, what=state
        )

    lab.edge.wait_until(
        lambda: lab.edge.row("ep_origin", ORIGIN) is not None, seconds=5, what=ORIGIN
    )
    return set_state


@pytest.fixture
def cut_off(lab, suspect, user, at_core):
    """Set a state for the sake of a REGISTER with each of some credentials, and back.

    Return the replies, and what the operator finds about each. The first credential is known.
    """

    async def attempt(kind, state, *authorizations):
        mark = lab.edge.log.mark()
        wics = [
            await Wic.connect(lab.edge.url, origin=ORIGIN, ssl=lab.trust()) for _ in authorizations
        ]
        assert (await wics[0].register(user.impu, authorizations[0])).status == 200
        suspect(kind, state)
        asked = list(zip(wics, authorizations, strict=True))
        replies = [await wic.register(user.impu, shown) for wic, shown in asked]
        ends = [await wic.closed() for wic in wics]
        suspect(kind, "active")
        assert [line for line in lab.edge.log.lines(mark) if "ERROR" in line] == []
        assert [len(at_core(wic)) for wic in wics] == [1] + [0] * (len(wics) - 1)
        assert ends == [CUT] * len(wics)
        decided = {each["call_id"]: each for each in lab.sidecar.events("register.decided")}
        records = [decided.get(wic.call_id) for wic in wics]
        return (
            [(reply.status, reply.all("WWW-Authenticate")) for reply in replies],
            [record and (record["wwsf"], record["reason"]) for record in records],
        )

    return attempt


def bearer(lab, user):
    return lab.bearer("portal", user.impi, iss=ISSUER, client_id="suspect")


@pytest.mark.req("S000-25", "S000-26", "S004-15")
async def test_a_suspended_wwsf_is_403_and_closed_whatever_it_shows(lab, user, cut_off):
    shown = bearer(lab, user), bearer(lab, user), None
    async with await lab.connect() as other:
        replies, records = await cut_off("wwsf", "suspended", *shown)

        assert replies == [(403, ())] * 3
        assert records == [("suspect", "wwsf_suspended")] * 2 + [None]
        # the others do not notice
        assert (await other.register(user.impu, None)).status == 401


@pytest.mark.req("S000-26")
async def test_a_barred_waf_vouches_for_nobody(lab, user, cut_off):
    replies, records = await cut_off("entity", "barred", bearer(lab, user), bearer(lab, user))

    assert replies == [(403, ())] * 2
    assert records == [("suspect", "entity_barred")] * 2
