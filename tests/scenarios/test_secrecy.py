"""No token gets into a log, whatever is done with it (SX-3)."""

from __future__ import annotations

import contextlib

from base64 import b64encode

import pytest
import websockets

from tests.scenarios.leaks import leaks, write_filtered


def log_files(lab):
    return [*lab.run_dir.rglob("log")]


def test_a_leak_would_be_found(lab, tmp_path):
    token = lab.issuers["portal"].token()
    log = tmp_path / "log"
    forms = {
        f"x {token} y": "plain",
        f"WIRE 1.2.0/9 {token.encode().hex()}": "plain",
        f"x {token.encode().hex()}": "hexadecimal",
        **{f"x {b64encode(b'x' * n + token.encode()).decode()}": "base64" for n in range(3)},
    }
    log.write_text("\n".join(["nothing", token.rpartition(".")[0], *forms]))

    found = [place.rpartition(" ")[2] for place in leaks([token], [log])]
    assert found == [*forms.values()]


@pytest.mark.req("SX-3")
async def test_what_is_served_leaves_no_token(lab, user, at_core):
    tokens = []

    def bearer(**claims):
        tokens.append(lab.issuers["portal"].token(user.impi, **claims))
        return f"Bearer {tokens[-1]}"

    async with await lab.connect() as wic:
        good = bearer()
        for expires in (600, 60, 0):
            assert (await wic.register(user.impu, good, expires=expires)).status == 200
        assert (await wic.register(user.impu, bearer(exp=1 << 31))).status == 401
    for refused in (bearer(aud="elsewhere"), bearer(scope="x"), bearer(impus=["sip:x@y.example"])):
        async with await lab.connect() as wic:
            assert (await wic.register(user.impu, refused)).status in {401, 403}

    assert leaks(tokens, log_files(lab)) == []
    assert not any(token in str(told) for token in tokens for told in at_core(wic))


MALFORMED = {
    "start line": ("REGISTER sip:ims.example SIP/2.0", "REGISTER sip:ims.example"),
    "response of no class": ("REGISTER sip:ims.example SIP/2.0", "SIP/2.0 99999 OK"),
    "no start line": ("REGISTER sip:ims.example SIP/2.0", "\x01\x02"),
    "another version": (" SIP/2.0\r\n", " SIP/9.0\r\n"),
    "Request-URI": ("REGISTER sip:ims.example", "REGISTER sip:"),
    "another method": ("REGISTER", "SUBSCRIBE"),
    "To": ("To: <sip:", 'To: <sip:"'),
    "From": ("From: <sip:", 'From: <sip:"'),
    "CSeq": ("CSeq: 1", "CSeq: one"),
    "no CSeq": ("CSeq: 1 REGISTER\r\n", ""),
    "no Call-ID": ("Call-ID", "X-Call-ID"),
    "Contact": (";transport=ws>", ';transport=ws"'),
    "Expires": ("Expires: 600\r\n", "Expires: soon\r\n"),
    "Content-Length": ("Content-Length: 0", "Content-Length: -1"),
    "Max-Forwards": ("Max-Forwards: 69", "Max-Forwards: many"),
    "no colon": ("Supported: ", "Supported "),
    "no name": ("Supported: ", ": "),
    "NUL": ("Supported: ", "Supported: \0"),
    "NUL in the credential": ("\r\nContact:", "\0\r\nContact:"),
    "quote in the credential": ("Bearer ", 'Bearer access_token="'),
    "no blank in the credential": ("Bearer ", "Bearer"),
    "no Authorization but another header": ("Authorization: ", "Authentication: "),
    "too long": ("Supported: ", f"Supported: {'x' * 40_000}"),
}


QUOTED = {
    "Via": ("Via: SIP/2.0/WSS ", "Via: "),
    "parameters of Via": (";branch=", ";;branch="),
    "no colon in the credential": ("Authorization: ", "Authorization "),
}
"Faults that Kamailio's parser quotes up to the end of the message, whatever it is told."


@pytest.fixture
def send_faulty(lab, user):
    """Send a REGISTER with a fault; return its token when all of it has been dealt with."""

    async def send(good, bad):
        token = lab.issuers["portal"].token(user.impi)
        async with await lab.connect() as wic:
            request = str(wic.register_request(user.impu, f"Bearer {token}"))
            assert good in request
            await wic.send(request.replace(good, bad, 1).encode())
            with contextlib.suppress(websockets.ConnectionClosed):
                await wic.ping()
        return token

    return send


@pytest.mark.req("SX-3")
@pytest.mark.parametrize("fault", MALFORMED)
async def test_what_cannot_be_read_leaves_no_token(lab, send_faulty, fault):
    token = await send_faulty(*MALFORMED[fault])

    assert leaks([token], log_files(lab)) == []


@pytest.mark.parametrize("fault", QUOTED)
async def test_what_kamailio_quotes_can_be_told_by_its_place(lab, send_faulty, tmp_path, fault):
    """docs/operations.md has the log daemon drop it; until then it is in the log."""
    token = await send_faulty(*QUOTED[fault])

    assert leaks([token], [lab.edge.log.path])
    assert leaks([token], [write_filtered(lab.edge.log.path, tmp_path / "log")]) == []
    assert leaks([token], set(log_files(lab)) - {lab.edge.log.path}) == []
