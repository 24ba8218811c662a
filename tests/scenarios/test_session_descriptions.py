"""What browsers say of media is not what the core understands (TS 23.228 U.1.3.3, TS 24.371 7)."""

from __future__ import annotations

import pytest

from lab.calling import answer, deliver, is_answer, is_request, new_request
from lab.deployment import Deployment, Wishes
from lab.phone import Phone


ALICE, BOB = (f"sip:{name}@ims.example" for name in ("alice", "bob"))


def sdp(*lines):
    return "".join(f"{line}\r\n" for line in lines).encode()


SECURITY = (
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx",
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}",
    "a=setup:actpass",
    "a=rtcp-mux",
)
BROWSER = sdp(
    *("v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"),
    *("a=group:BUNDLE 0 1", "a=msid-semantic: WMS"),
    *("m=audio 40000 UDP/TLS/RTP/SAVPF 111 0", "c=IN IP4 127.0.0.1", "a=mid:0"),
    *("a=candidate:1 1 udp 2113937151 127.0.0.1 40000 typ host", *SECURITY),
    *("a=rtpmap:111 opus/48000/2", "a=rtpmap:0 PCMU/8000"),
    *("m=video 0 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 127.0.0.1", "a=mid:1"),
    *("a=bundle-only", *SECURITY, "a=rtpmap:96 VP8/90000"),
)
PHONE = sdp(
    *("v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"),
    *("m=audio 41000 RTP/AVP 0", "a=rtpmap:0 PCMU/8000"),
)
NO_VIDEO = sdp("m=video 0 RTP/AVP 96")


@pytest.fixture(scope="module")
def media_lab(tmp_path_factory):
    """A deployment with media as browsers have it."""
    with Deployment(tmp_path_factory.mktemp("media"), Wishes(media=True)) as running:
        yield running


async def said_to(callee, caller, impus, offer, reply):
    """Make a call and return the offer as it arrived and the answer as it came back."""
    invite = new_request(caller, "INVITE", impus, (), offer)
    await caller.send(invite.to_bytes())
    arrived = await callee.expect(is_request("INVITE", invite.one("Call-ID")))
    await answer(callee, arrived, 200, body=reply)
    accepted = await caller.expect(is_answer(invite))
    return arrived.body.decode(), accepted.body.decode()


@pytest.fixture
async def ends(media_lab):
    """Alice at a browser, Bob at a phone."""
    async with await media_lab.connect() as wic, Phone.registered(BOB, media_lab.core) as phone:
        assert (await wic.register(ALICE, media_lab.bearer())).status == 200
        yield wic, phone


def assert_plain(text):
    """Nothing in it is of browsers."""
    assert "m=audio " in text
    assert " RTP/AVP " in text
    for word in ("SAVP", "candidate", "ice-", "fingerprint", "setup:", "crypto", "rtcp-mux"):
        assert word not in text
    assert "BUNDLE" not in text
    assert "bundle-only" not in text


def assert_of_browsers(text):
    """A browser can take it: one port, keys by DTLS, and a candidate."""
    assert "m=audio " in text
    assert " UDP/TLS/RTP/SAVPF " in text
    for word in ("a=candidate:", "a=ice-ufrag:", "a=fingerprint:", "a=setup:", "a=rtcp-mux"):
        assert word in text
    assert "a=crypto" not in text
    assert "BUNDLE" not in text


async def test_a_phone_hears_plain_words_and_a_browser_its_own(ends):
    wic, phone = ends
    offer, reply = await said_to(phone, wic, (ALICE, BOB), BROWSER, PHONE + NO_VIDEO)

    assert_plain(offer)
    assert_of_browsers(reply)


async def test_a_phone_that_calls_is_put_into_the_words_of_browsers(ends):
    wic, phone = ends
    own = BROWSER.partition(b"m=video")[0]
    offer, reply = await said_to(wic, phone, (BOB, ALICE), PHONE, own)

    assert_of_browsers(offer)
    assert_plain(reply)


async def test_streams_have_ports_of_their_own_whoever_has_the_media(wic, user, phone):
    """Without rtpengine all else stays as the browser said it."""
    grouped = BROWSER.replace(
        b"a=group:BUNDLE 0 1\r\n", b"a=group:BUNDLE 0 1\r\na=group:LS 0 1\r\n"
    )
    impus = (user.impu, phone.impu)
    offer, _ = await said_to(phone, wic, impus, grouped, PHONE + NO_VIDEO)

    said = grouped.decode()
    for line in ("a=group:BUNDLE 0 1\r\n", "a=bundle-only\r\n"):
        said = said.replace(line, "")
    assert offer == said


@pytest.mark.parametrize("blank", [" ", "\t"])
async def test_a_call_id_gives_no_orders(ends, blank):
    """It goes to rtpengine beside what this node wants of it."""
    wic, phone = ends
    call_id = f"{wic.user}{blank}media-address=192.0.2.1{blank}x"
    invite = new_request(wic, "INVITE", (ALICE, BOB), [("Call-ID", call_id)], BROWSER)
    arrived = await deliver(wic, invite, phone)

    assert_plain(arrived.body.decode())
    assert b"192.0.2.1" not in arrived.body
