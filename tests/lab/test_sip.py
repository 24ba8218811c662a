"""The parser that tests judge the wire with keeps what it read and forgives nothing."""

from __future__ import annotations

import pytest

from lab.sip import Header, SipMessage, SipSyntaxError, uri_of


REGISTER = (
    b"REGISTER sip:ims.example SIP/2.0\r\n"
    b"v:  SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1\r\n"
    b"Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK2\r\n"
    b"FROM : <sip:alice@ims.example>;tag=1\r\n"
    b'To: "A <b>" <sip:alice@ims.example>\r\n'
    b"Subject: first\r\n \tsecond\r\n"
    b"X-Latin: caf\xe9\r\n"
    b"Call-ID: one\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b"Content-Length: 4\r\n"
    b"\r\n"
    b"\r\n\x00\xff"
)


def test_what_was_parsed_is_written_byte_for_byte():
    assert SipMessage.parse(REGISTER).to_bytes() == REGISTER


def test_request_is_taken_apart():
    message = SipMessage.parse(REGISTER)

    assert message.method == "REGISTER"
    assert message.request_uri == "sip:ims.example"
    assert message.status is None
    assert message.body == b"\r\n\x00\xff"
    assert message.headers[2] == Header("FROM : <sip:alice@ims.example>;tag=1")
    assert message.headers[2].name == "FROM"


def test_headers_are_found_by_any_form_of_their_name_in_their_order():
    message = SipMessage.parse(REGISTER)

    assert message.all("VIA") == (
        "SIP/2.0/UDP 127.0.0.1:5071;branch=z9hG4bK1",
        "SIP/2.0/WSS x.invalid;branch=z9hG4bK2",
    )
    assert message.one("f") == "<sip:alice@ims.example>;tag=1"
    assert message.get("Contact") is None


def test_folds_are_kept_in_the_text_and_opened_in_look_ups():
    message = SipMessage.parse(REGISTER)

    assert message.headers[4].value == "first\r\n \tsecond"
    assert message.one("Subject") == "first second"


def test_one_means_exactly_one():
    message = SipMessage.parse(REGISTER)

    with pytest.raises(LookupError, match="2 headers Via"):
        message.one("Via")
    with pytest.raises(LookupError, match="no header Contact"):
        message.one("Contact")


def test_response_is_taken_apart():
    message = SipMessage.parse(b"SIP/2.0 423 Interval Too Brief\r\nMin-Expires: 60\r\n\r\n")

    assert (message.status, message.method, message.request_uri) == (423, None, None)
    assert message.one("Min-Expires") == "60"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\r\n\r\n", id="keep-alive"),
        pytest.param(b"REGISTER sip:a SIP/2.0\r\nTo: <sip:a>\r\n", id="headers do not end"),
        pytest.param(b"REGISTER sip:a b SIP/2.0\r\n\r\n", id="space in the Request-URI"),
        pytest.param(b"SIP/2.0 999 Odd\r\n\r\n", id="status outside the classes"),
        pytest.param(b"REGISTER sip:a SIP/2.0\r\nno colon\r\n\r\n", id="line without a colon"),
        pytest.param(b"REGISTER sip:a SIP/2.0\r\nTo: x\nVia: y\r\n\r\n", id="lone LF"),
        pytest.param(b"REGISTER sip:a SIP/2.0\r\nTo: x\rVia: y\r\n\r\n", id="lone CR"),
        pytest.param(b"OPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nab", id="body shorter than said"),
        pytest.param(b"OPTIONS sip:a SIP/2.0\r\nl: 1\r\n\r\nab", id="body longer than said"),
    ],
)
def test_anything_but_one_whole_message_is_refused(raw):
    with pytest.raises(SipSyntaxError):
        SipMessage.parse(raw)


def test_reply_copies_what_rfc_3261_names_and_tags_to():
    request = SipMessage.request(
        "NOTIFY",
        "sip:x@127.0.0.1",
        [
            ("Via", "SIP/2.0/UDP a;branch=z9hG4bK1"),
            ("Via", "SIP/2.0/UDP b;branch=z9hG4bK2"),
            ("From", "<sip:f>;tag=1"),
            ("To", "<sip:t>"),
            ("Call-ID", "c"),
            ("CSeq", "7 NOTIFY"),
            ("Event", "reg"),
        ],
        b"body",
    )

    expected = (
        b"SIP/2.0 200 OK\r\n"
        b"Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
        b"Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\n"
        b"From: <sip:f>;tag=1\r\n"
        b"To: <sip:t>;tag=mine\r\n"
        b"Call-ID: c\r\n"
        b"CSeq: 7 NOTIFY\r\n"
        b"Expires: 5\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    assert request.reply(200, "OK", [("Expires", "5")], tag="mine").to_bytes() == expected
    assert request.reply(100, "Trying").one("To") == "<sip:t>"


def test_a_header_is_left_out_wherever_it_stands():
    lean = SipMessage.parse(REGISTER).without("Via")

    assert lean.all("Via") == ()
    assert len(lean.headers) == 7


@pytest.mark.parametrize(
    ("value", "uri"),
    [
        ("<sip:a@b;lr>;tag=1", "sip:a@b;lr"),
        ('"quoted <sip:no@b> \\" name" <sip:a@b>', "sip:a@b"),
        ("Alice <tel:+1>", "tel:+1"),
        ("sip:a@b;tag=1", "sip:a@b"),
    ],
)
def test_uri_is_taken_out_of_an_address(value, uri):
    assert uri_of(value) == uri
