"""A WWSF or a WAF that is cut off: F11, for connections that were open before."""

from __future__ import annotations

import pytest

from websockets.exceptions import InvalidStatus

from lab.deployment import HOME
from lab.wic import Closed, Wic


CUT = Closed(1008, "policy violation")
ENDED = Closed(1008, "registration ended")
ORIGIN = "https://suspect.example"
ISSUER = "https://waf.suspect.example"
REALM = "suspect.example"
GONE = "wsconn_close_now(): getting TCP/TLS connection"
"Kamailio's word for a client that leaves in the moment in which it is cut."


@pytest.fixture(scope="module")
def suspect(lab):
    """A WWSF, and its WAF, with a way to set the state of either."""
    keys = lab.issuers["portal"].write_jwks(lab.run_dir / "suspect.jwks")
    ctl = lab.sidecar.ctl
    entity = ("--issuer", ISSUER, "--location", "third-party", "--entity-id", "suspect")
    source = ("--jwks-file", str(keys), "--algorithm", "ES256")
    ctl("entity", "create", "suspect", *entity, *source)
    lent = ("--pool-realm", REALM)
    ctl("wwsf", "create", "suspect", "--origin", ORIGIN, "--entity", "suspect", *lent)

    def stamp():
        return {key for key in lab.edge.rows("ep_stamp") if key.startswith("suspect/suspect|")}

    def set_state(kind, state):
        before = stamp()
        ctl(kind, "update", "suspect", "--state", state)
        lab.edge.wait_until(lambda: stamp() not in (before, set()), seconds=5, what=state)

    lab.edge.wait_until(
        lambda: lab.edge.row("ep_origin", ORIGIN) is not None, seconds=5, what=ORIGIN
    )
    return set_state


@pytest.fixture(
    params=[HOME, pytest.param(REALM, marks=pytest.mark.req("S000-27"))], ids=["own", "lent"]
)
def user(request, subscribe):
    """Somebody with a subscription of his own, or with one of the WWSF's pool."""
    return subscribe(request.param, wafs=("suspect",))


def bearer(lab, user):
    return lab.bearer("portal", user.impi, impus=[user.impu], iss=ISSUER, client_id="suspect")


def opened(lab):
    return Wic.connect(lab.edge.url, origin=ORIGIN, ssl=lab.trust())


@pytest.mark.req("S000-25", "S000-26", "S004-15")
async def test_a_suspended_wwsf_loses_all_of_its_connections_and_gets_no_other(lab, suspect, user):
    mark = lab.edge.log.mark()
    async with await lab.connect() as other, await opened(lab) as wic, await opened(lab) as idle:
        assert (await wic.register(user.impu, bearer(lab, user))).status == 200

        suspect("wwsf", "suspended")

        assert [await each.closed() for each in (wic, idle)] == [ENDED] * 2
        with pytest.raises(InvalidStatus, match="403"):
            await opened(lab)
        # the others do not notice
        assert (await other.register(user.impu, None)).status == 401
    suspect("wwsf", "active")
    async with await opened(lab) as again:
        assert (await again.register(user.impu, bearer(lab, user))).status == 200
        await again.register(user.impu, bearer(lab, user), expires=0)
    errors = [line for line in lab.edge.log.lines(mark) if "ERROR" in line]
    assert [line for line in errors if GONE not in line] == []


@pytest.mark.req("S000-26")
async def test_a_barred_waf_vouches_for_nobody(lab, suspect, user, at_core):
    async with await opened(lab) as wic, await opened(lab) as new:
        assert (await wic.register(user.impu, bearer(lab, user))).status == 200

        suspect("entity", "barred")

        assert await wic.closed() == ENDED
        reply = await new.register(user.impu, bearer(lab, user))
        assert (reply.status, reply.all("WWW-Authenticate")) == (403, ())
        assert await new.closed() == CUT
        assert at_core(new) == []
        decided = {each["call_id"]: each for each in lab.sidecar.events("register.decided")}
        record = decided[new.call_id]
        assert (record["wwsf"], record["reason"]) == ("suspect", "entity_barred")
    suspect("entity", "active")
