"""Who may open a WebSocket without a page: native clients, and servers that hold it for others."""

from __future__ import annotations

import base64
import ssl

import pytest

from lab.certificates import Authority
from lab.wic import Wic
from tests.scenarios.handshake import PORTAL, handshake, knock


def showing(lab, credential):
    context = lab.trust()
    context.load_cert_chain(credential.certificate, credential.key)
    return context


@pytest.fixture(scope="module")
def native(lab):
    """The certificate of the native clients of a WWSF."""
    credential = lab.authority.issue_client("native.example")
    words = ("--entity", "waf")
    lab.sidecar.ctl(
        "wwsf", "create", "native", "--client-certificate", credential.sha256(), *words
    )
    lab.edge.wait_until(
        lambda: lab.edge.row("ep_certificate", credential.sha256()) == "native",
        seconds=5,
        what="certificate",
    )
    yield credential
    lab.sidecar.ctl("wwsf", "delete", "--yes", "native")


@pytest.fixture
def ask_natively(lab):
    """Knock at the door of native clients, showing a certificate or none."""

    def knock_there(request, credential=None):
        context = lab.trust() if credential is None else showing(lab, credential)
        return knock(lab.edge.plan.native_port, request, context)

    return knock_there


@pytest.mark.req("S001-4", "S004-17")
async def test_a_native_client_gets_in_with_its_certificate(lab, native, user):
    async with await Wic.connect(
        lab.edge.native_url, origin=None, ssl=showing(lab, native)
    ) as wic:
        bearer = lab.bearer("portal", user.impi, client_id="native")

        assert (await wic.register(user.impu, bearer)).status == 200
        assert f"native|native|{native.sha256()}" in lab.edge.rows("ep_door").values()


@pytest.fixture
def relay(lab):
    """A WWSF whose server could hold WebSockets for its users, and what would let it."""
    credential, origin = lab.authority.issue_client("relay.example"), "https://relay.example"
    words = ("--origin", origin, "--entity", "waf")
    lab.sidecar.ctl("wwsf", "create", "relay", *words)
    lab.edge.wait_until(
        lambda: lab.edge.row("ep_origin", origin) == "relay", seconds=5, what="origin"
    )

    def allow():
        lab.sidecar.ctl("wwsf", "update", "relay", "--client-certificate", credential.sha256())
        lab.edge.wait_until(
            lambda: lab.edge.row("ep_certificate", credential.sha256()) == "relay",
            seconds=5,
            what="certificate",
        )

    yield credential, allow
    lab.sidecar.ctl("wwsf", "delete", "--yes", "relay")


@pytest.mark.req("S004-17")
async def test_a_web_server_holds_websockets_for_its_users_only_if_it_is_allowed(
    lab, ask, ask_natively, relay, subscribe
):
    """Step 22 of the flow: what comes of it, good or bad, is for the server to pass on."""
    credential, allow = relay
    without_origin = handshake({"Origin": None})
    unless_allowed = ask_natively(without_origin, credential).status
    allow()
    without_certificate = (ask(without_origin).status, ask_natively(without_origin).status)
    good, bad = subscribe(), subscribe()
    answers = {}
    for user, impi in ((good, good.impi), (bad, good.impi)):
        async with await Wic.connect(
            lab.edge.native_url, origin=None, ssl=showing(lab, credential)
        ) as held:
            bearer = lab.bearer("portal", impi, client_id="relay")
            answers[user.impu] = (await held.register(user.impu, bearer)).status

    assert (unless_allowed, *without_certificate) == (403, 403, 403)
    assert answers == {good.impu: 200, bad.impu: 403}


def bound_to(sha256):
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return {"client_id": "native", "cnf": {"x5t#S256": digest}}


@pytest.mark.req("SX-21")
async def test_a_bound_token_comes_in_over_its_certificate(lab, native, user):
    bearer = lab.bearer("portal", user.impi, **bound_to(native.sha256()))
    async with await Wic.connect(
        lab.edge.native_url, origin=None, ssl=showing(lab, native)
    ) as wic:
        assert (await wic.register(user.impu, bearer)).status == 200


@pytest.mark.req("SX-21")
@pytest.mark.parametrize("certificate", ["native", "none"])
async def test_a_bound_token_is_of_no_use_elsewhere(lab, native, user, certificate):
    stolen = bound_to("c0ffee00" * 8)
    if certificate == "native":
        door = Wic.connect(lab.edge.native_url, origin=None, ssl=showing(lab, native))
    else:
        stolen["client_id"], door = "portal", lab.connect()
    async with await door as wic:
        reply = await wic.register(user.impu, lab.bearer("portal", user.impi, **stolen))

        assert reply.status == 401
        assert 'error="invalid_token"' in reply.one("WWW-Authenticate")
        assert (await wic.closed()).code == 1008


@pytest.mark.req("S001-4", "S001-33", "S004-17")
def test_a_certificate_that_nobody_admitted_does_not_help(lab, ask_natively, native):
    unknown = lab.authority.issue_client("unknown.example")

    refused = ask_natively(handshake({"Origin": None}), unknown)

    assert refused.status == 403


@pytest.mark.req("S001-4")
def test_a_certificate_of_another_authority_does_not_help(ask_natively, native, tmp_path):
    forged = Authority(tmp_path, "forged").issue_client("native.example")

    try:
        status = ask_natively(handshake({"Origin": None}), forged).status
    except (ssl.SSLError, ConnectionError, EOFError):
        status = None

    assert status in {403, None}


@pytest.mark.req("S001-4")
@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 403), (PORTAL, 101)])
def test_with_a_certificate_an_origin_still_decides(ask_natively, native, origin, status):
    answer = ask_natively(handshake({"Origin": origin}), native)

    assert answer.status == status


def test_a_client_without_a_certificate_gets_nothing_of_the_one_before(ask_natively, native):
    for _ in range(4):
        assert ask_natively(handshake({"Origin": None}), native).status == 101
        assert ask_natively(handshake({"Origin": None})).status == 403


@pytest.mark.req("S001-4")
def test_browsers_are_not_asked_for_a_certificate(lab, ask, native):
    """Chromium opens no WebSocket where one is asked for, so showing it is of no use there."""
    assert ask(handshake({"Origin": None}), showing(lab, native)).status == 403
