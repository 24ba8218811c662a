"""The relay's own codec against one that is not ours, and against what is broken."""

from __future__ import annotations

import pytest

from cxrelay import diameter
from cxrelay.codes import PUBLIC_IDENTITY, SERVER_ASSIGNMENT, USER_NAME, VENDOR_3GPP
from cxrelay.diameter import Message, avp, length_of, request
from lab.cx import ALLOWED_WAF_WWSF_IDENTITIES, CX, Command, Result
from tests.kemi.cx_messages import IMPI, IMPU, message, names, read, saa, sar


def test_what_a_stack_sends_is_read():
    asked = sar()

    assert (asked.command, asked.application, asked.is_request) == (301, CX, True)
    assert asked.identifiers == bytes([0, 0, 0, 1] * 2)
    assert asked.text(USER_NAME) == IMPI
    assert asked.text(PUBLIC_IDENTITY, VENDOR_3GPP) == IMPU
    # the vendor belongs to the code
    assert asked.text(PUBLIC_IDENTITY) == ""
    group = saa(names("waf1", "w", wwsfs=("größe",))).find(656, VENDOR_3GPP)
    assert [(m.code, m.data.decode()) for m in group.members()] == [
        (657, "waf1"),
        (657, "w"),
        (658, "größe"),
    ]


@pytest.mark.parametrize(
    ("result", "code"), [(Result(2001, experimental=False), 2001), (Result(5001), 5001)]
)
def test_results_of_either_kind_are_read(result, code):
    assert saa(result=result).result() == code


def test_an_answer_without_a_result_has_none():
    assert message(Command.SERVER_ASSIGNMENT, answer=True).result() == 0


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "abcd", "größe.example"])
def test_what_the_relay_makes_others_read(text):
    octets = request(SERVER_ASSIGNMENT, bytes(range(8)), [avp(USER_NAME, f"x{text}"), avp(268, 7)])

    told = read(octets)

    assert (told.command, told.application, told.is_request) == (301, CX, True)
    assert (told.hop_by_hop, told.end_to_end) == (0x00010203, 0x04050607)
    assert (told.get(USER_NAME), told.get(268)) == (f"x{text}", 7)
    assert length_of(octets[:20]) == len(octets)


def test_the_vendor_and_the_m_bit_are_as_told():
    octets = request(
        1, bytes(8), [avp(601, "x", VENDOR_3GPP), avp(656, b"", 10415, mandatory=False)]
    )

    first, second = read(octets).avps

    assert (first.vendor, first.mandatory) == (VENDOR_3GPP, True)
    assert (second.code, second.mandatory) == (ALLOWED_WAF_WWSF_IDENTITIES, False)


def test_an_answer_goes_back_by_the_numbers_and_the_session():
    asked = Message(request(305, b"12345678", [avp(USER_NAME, IMPI), avp(263, "s;1")]))

    told = read(asked.answer([avp(268, 2001)]))

    assert not told.is_request
    assert (told.command, told.avps[0].code, told.result) == (305, 263, 2001)
    assert told.hop_by_hop == int.from_bytes(b"1234", "big")


@pytest.mark.parametrize(
    "header", [b"\x02\0\0\x14", b"\x01\0\0\x10", b"\x01\0\0\x15", b"\x01\xff\xff\xfc", b"GET "]
)
def test_what_is_no_header_is_an_error(header):
    with pytest.raises(ValueError, match="no diameter message"):
        length_of(header + bytes(16))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\0\0\0\x01@\0\0\x09", id="beyond the end"),
        pytest.param(b"\0\0\0\x01@\0\0\x07", id="less than its header"),
        pytest.param(b"\0\0\x02\x59\xc0\0\0\x08\0\0\x28\xaf", id="less than its vendor"),
        pytest.param(b"\0\0\0\x01@\0\0\0", id="nothing"),
        pytest.param(b"\0\0\0", id="cut"),
    ],
)
def test_lengths_that_do_not_add_up_are_an_error(body):
    broken = Message(sar().octets[: diameter.HEADER] + body)

    with pytest.raises(ValueError, match="length of an AVP"):
        broken.find(USER_NAME)


def test_a_text_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="utf-8"):
        Message(request(301, bytes(8), [avp(USER_NAME, b"\xff")])).text(USER_NAME)
