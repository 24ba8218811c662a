"""Who may open a WebSocket, and how it has to be asked for (RFC 6455, RFC 7118)."""

from __future__ import annotations

import base64
import ssl
import time

import pytest
import websockets

from lab.certificates import Authority
from lab.deployment import ORIGINS
from lab.edge import Edge, EdgePlan, TlsFiles
from lab.ports import free_port
from lab.wic import Wic
from tests.scenarios.handshake import connect, handshake, knock, read


PORTAL = ORIGINS["portal"]


@pytest.fixture(scope="module")
def ask(lab):
    """Knock at the browser door, believing its certificate unless told otherwise."""

    def knock_there(request, context=None):
        return knock(lab.edge.plan.browser_port, request, context or lab.trust())

    return knock_there


@pytest.mark.req("S001-2", "S002-2", "S003-16")
def test_a_page_of_a_known_wwsf_gets_in(ask):
    answer = ask(handshake())

    assert answer.status == 101
    assert answer.headers["sec-websocket-protocol"] == "sip"
    # RFC 6455 1.3, the example
    assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": "WebSocket"},
        {"Sec-WebSocket-Protocol": "chat, sip"},
        {"Sec-WebSocket-Protocol": "sip,chat"},
        {"Connection": "keep-alive, Upgrade"},
        {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
        {"Cookie": "session=1"},
    ],
)
def test_what_browsers_add_does_not_matter(ask, changes):
    answer = ask(handshake(changes))

    assert (answer.status, answer.headers["sec-websocket-protocol"]) == (101, "sip")
    assert "sec-websocket-extensions" not in answer.headers


@pytest.mark.req("S001-3")
async def test_the_wwsf_of_the_page_stays_with_the_connection(lab):
    for wwsf in ORIGINS:
        before = lab.edge.rows("ep_door").keys()
        async with await lab.connect(wwsf) as wic:
            # whoever is answered has been let in by then
            await wic.register("sip:nobody@ims.example", None)
            rows = lab.edge.rows("ep_door")

            assert [rows[key] for key in rows.keys() - before] == [f"{wwsf}|browser|-"]


@pytest.mark.req("S001-2", "S003-16")
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://portal.ims.example.evil.example",
        "https://evil-portal.ims.example",
        "https://ims.example",
        "https://portal.ims.example:8443",
        "https://portal.ims.example/",
        "https://portal.ims.example.",
        "https://portal.ims.example https://evil.example",
        "https://portal.ims.example, https://evil.example",
        "https://portal.ims.example@evil.example",
        "http://portal.ims.example",
        "portal.ims.example",
        "null",
        "*",
        "",
    ],
)
def test_a_page_of_anybody_else_is_refused(ask, origin):
    """F18: the comparison is of the whole Origin."""
    assert ask(handshake({"Origin": origin})).status == 403


def test_the_case_of_an_origin_does_not_matter(ask):
    assert ask(handshake({"Origin": PORTAL.upper()})).status == 101


@pytest.mark.req("S003-16")
@pytest.mark.parametrize("second", [PORTAL, "https://evil.example"])
def test_two_origins_are_none(ask, second):
    assert ask(handshake(more=[f"Origin: {second}"])).status == 403


@pytest.mark.req("S001-4", "S001-33", "S004-17")
def test_without_an_origin_nobody_gets_in(ask):
    assert ask(handshake({"Origin": None})).status == 403


@pytest.mark.req("S001-2", "S003-34")
@pytest.mark.parametrize("offered", [None, "", "xsip", "sipx", "sip2, x-sip", "chat", "s ip"])
def test_only_sip_is_spoken(ask, offered):
    answer = ask(handshake({"Sec-WebSocket-Protocol": offered}))

    assert answer.status == 400


@pytest.mark.parametrize("version", ["8", "12", "14", "130", "13, 8", "", None])
def test_another_version_of_websocket_is_told_ours(ask, version):
    answer = ask(handshake({"Sec-WebSocket-Version": version}))

    assert (answer.status, answer.headers["sec-websocket-version"]) == (426, "13")


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("GET", {"Upgrade": None, "Connection": None}),
        ("GET", {"Upgrade": "h2c"}),
        ("GET", {"Upgrade": "xwebsocket"}),
        ("POST", {"Content-Length": "0"}),
        ("HEAD", {}),
        ("OPTIONS", {}),
        ("DELETE", {}),
    ],
)
def test_whatever_asks_for_no_websocket_is_told_to(ask, method, changes):
    answer = ask(handshake(changes, method=method))

    assert (answer.status, answer.headers["upgrade"]) == (426, "websocket")


def test_a_handshake_without_its_key_is_bad(ask):
    assert ask(handshake({"Sec-WebSocket-Key": None})).status == 400


def test_every_refusal_ends_the_connection(lab):
    with connect(lab.edge.plan.browser_port, lab.trust()) as door:
        door.sendall(handshake({"Origin": "https://evil.example"}))

        assert read(door).startswith(b"HTTP/1.1 403 ")
        with pytest.raises(EOFError):
            read(door)


@pytest.mark.req("S001-2", "S003-7")
async def test_no_websocket_in_clear(lab):
    with pytest.raises((websockets.InvalidMessage, ConnectionError)):
        await Wic.connect(lab.edge.url.replace("wss:", "ws:"), origin=PORTAL)


@pytest.mark.req("S003-7")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_tls_older_than_1_2(lab, ask):
    context = lab.trust()
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError) as refused:
        ask(handshake(), context)

    assert refused.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"

    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert ask(handshake(), context).status == 101


@pytest.mark.req("S003-7")
def test_the_door_proves_itself(ask):
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(handshake(), ssl.create_default_context())


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


@pytest.mark.req("S001-2", "S003-16")
def test_a_suspended_wwsf_is_gone_within_a_second(lab, ask):
    origin = "https://fleeting.example"
    lab.sidecar.ctl("wwsf", "create", "fleeting", "--origin", origin, "--entity", "waf")
    lab.edge.wait_until(
        lambda: lab.edge.row("ep_origin", origin) == "fleeting", seconds=5, what="origin"
    )
    assert ask(handshake({"Origin": origin})).status == 101

    lab.sidecar.ctl("wwsf", "update", "fleeting", "--state", "suspended")
    told = time.monotonic()
    lab.edge.wait_until(
        lambda: lab.edge.row("ep_origin", origin) is None, seconds=1, what="end of the origin"
    )
    refused = ask(handshake({"Origin": origin}))
    took = time.monotonic() - told
    lab.sidecar.ctl("wwsf", "delete", "--yes", "fleeting")

    assert refused.status == 403
    assert took < 1


@pytest.fixture(scope="module")
def lonely_edge(tmp_path_factory):
    """An eP-CSCF whose sidecar is not there, with a TCP listener that is no browser door."""
    run_dir = tmp_path_factory.mktemp("lonely")
    authority = Authority(run_dir)
    server = authority.issue_server()
    port = free_port()
    plan = EdgePlan(
        run_dir=run_dir / "edge",
        sidecar_socket=run_dir / "nobody",
        next_hops={1: [("127.0.0.1", 9)]},
        tls=TlsFiles(server.certificate, server.key, authority.certificate),
        listen=(f"tcp:127.0.0.1:{port}",),
    )
    with Edge(plan) as edge:
        yield edge, port, authority.certificate


def test_nobody_gets_in_before_there_is_a_policy(lonely_edge):
    """A browser that meets an error here tries again by itself."""
    edge, _, certificate = lonely_edge
    context = ssl.create_default_context(cafile=certificate)
    answer = knock(edge.plan.browser_port, handshake(), context)

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.req("S001-2")
def test_another_listener_is_no_browser_door(lonely_edge):
    _, port, _ = lonely_edge

    assert knock(port, handshake(), None).status == 404
