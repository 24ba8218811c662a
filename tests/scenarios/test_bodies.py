"""Browsers may send a few kinds of bodies; one in several parts never gets in."""

from __future__ import annotations

import pytest

from lab.calling import answer, ask, deliver, is_answer, is_request, new_request


PARTS = (
    b"--cut\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n"
    b"--cut\r\nContent-Type: text/plain\r\n\r\nhello\r\n--cut--\r\n"
)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "Text/Plain; charset=utf-8",
        "message/cpim",
        "application/sdp",
        "message/sipfrag;version=2.0",
        "application/dtmf-relay",
        "application/im-iscomposing+xml",
    ],
)
async def test_what_sip_clients_send_passes(wic, user, phone, kind):
    request = new_request(
        wic, "MESSAGE", (user.impu, phone.impu), [("Content-Type", kind)], b"hello"
    )
    arrived = await deliver(wic, request, phone)
    await answer(phone, arrived, 200)

    assert (await wic.expect(is_answer(request))).status == 200
    assert arrived.body == b"hello"


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "OPTIONS"])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("Content-Type", "multipart/mixed;boundary=cut")], PARTS),
        ([("Content-Type", "MultiPart/related; boundary=cut")], PARTS),
        ([("Content-Type", "multipart/mixed")], PARTS),
        ([("Content-Type", "application/json")], b"{}"),
        ([("Content-Type", "application/sdp, multipart/mixed")], PARTS),
        ([("Content-Type", "application/sdp"), ("c", "multipart/mixed;boundary=cut")], PARTS),
        ([("c", "multipart/mixed;boundary=cut")], PARTS),
        ([("Content-Type", "text/plain"), ("Content-Encoding", "gzip")], b"\x1f\x8b"),
        ([("Content-Type", "nonsense")], b"x"),
        ([("Content-Type", "")], b"x"),
    ],
)
async def test_all_else_is_415_and_told_what_is_accepted(wic, user, method, headers, body):
    names = {name for name, _ in headers}
    request = new_request(wic, method, (user.impu, "sip:bob@ims.example"), headers, body)
    if "Content-Type" not in names:
        request = request.without("Content-Type").plus(*(f"{n}: {v}" for n, v in headers))
    reply = await ask(wic, request)

    assert reply.status == 415
    assert "application/sdp" in reply.one("Accept")
    assert "multipart" not in reply.one("Accept")
    assert wic.is_open


async def test_a_register_has_no_body(lab, user):
    async with await lab.connect() as wic:
        bearer = lab.bearer("portal", user.impi)
        headers = [("Content-Type", "multipart/mixed;boundary=cut")]
        request = wic.register_request(user.impu, bearer, headers=headers)
        whole = request.without("Content-Length").plus(f"Content-Length: {len(PARTS)}")

        assert (await wic.ask(type(whole)(whole.start_line, whole.headers, PARTS))).status == 415


async def test_an_answer_in_several_parts_arrives_without_them(wic, user, phone):
    request = new_request(phone, "OPTIONS", (phone.impu, user.impu))
    await phone.send(request.to_bytes())
    arrived = await wic.expect(is_request("OPTIONS"))
    await answer(wic, arrived, 200, [("Content-Type", "multipart/mixed;boundary=cut")], PARTS)
    answered = await phone.expect(is_answer(request))

    assert (answered.status, answered.body) == (200, b"")
