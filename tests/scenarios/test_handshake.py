"""Who may open a WebSocket, and how it has to be asked for (RFC 6455, RFC 7118)."""

from __future__ import annotations

import ssl
import time

import pytest
import websockets

from lab.certificates import Authority
from lab.deployment import ORIGINS
from lab.edge import Edge, EdgePlan, TlsFiles
from lab.ports import free_port
from lab.wic import Wic
from tests.scenarios.handshake import PORTAL, connect, handshake, knock, read


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
