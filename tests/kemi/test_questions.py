from __future__ import annotations

from base64 import b64encode

import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from authorizer.questions import MalformedRecordError, Question, read_question
from tests.kemi.builders import a_record


FIELDS = a_record().split("|")

sent = st.binary().filter(lambda text: b"\0" not in text)
"What a WIC may write; Kamailio's parser takes no NUL in To."


def with_field(number, text):
    return "|".join([*FIELDS[:number], text, *FIELDS[number + 1 :]])


def test_a_record_is_read_field_by_field():
    question = read_question(
        "17:4711", a_record(door="shop|front|ab12", stamp="1700000000.5", domain="home.example")
    )

    assert question == Question(
        transaction="17:4711",
        wwsf="shop",
        listener="front",
        certificate="ab12",
        queued_at=1_700_000_000.000005,
        request_domain="home.example",
        to="sip:alice@ims.example",
        call_id="c1",
        authorization="Bearer t0ken",
        key=question.key,
    )
    assert question.key.endswith("|shop|front|ab12|sip:alice@ims.example")


def test_a_door_without_certificate_has_none():
    assert read_question("1:1", a_record(door="shop|browser|-")).certificate == ""


@given(to=sent, call_id=st.binary(), authorization=st.binary())
@example(to=b"sip:a|b@x", call_id=b"|", authorization=b"|\r\n|")
@example(to=b"\xff\xfe", call_id=b"\xc3", authorization=b"Bearer \x80")
def test_what_the_route_writes_is_read_back(to, call_id, authorization):
    question = read_question("1:1", a_record(to=to, call_id=call_id, authorization=authorization))

    read = (question.to, question.call_id, question.authorization)
    assert read == tuple(text.decode(errors="replace") for text in (to, call_id, authorization))
    assert question.key.endswith(f"|shop|browser|-|{question.to}")


@given(st.text())
@example("")
@example("|" * 8)
@example(with_field(3, "1.") + "9" * 400)
def test_any_other_text_is_malformed_and_nothing_worse(record):
    with pytest.raises(MalformedRecordError):
        read_question("1:1", record)


@given(number=st.integers(3, 8), text=st.text())
@example(number=3, text="1." + "9" * 400)
@example(number=3, text="9" * 400 + ".1")
@example(number=3, text="9" * 5000 + ".1")
def test_a_field_gone_wrong_is_malformed_or_is_read(number, text):
    try:
        question = read_question("1:1", with_field(number, text))
    except MalformedRecordError:
        return

    assert question.wwsf == "shop"


@pytest.mark.parametrize(
    "record",
    [
        pytest.param("|".join(FIELDS[:-1]), id="a field too few"),
        pytest.param("|".join([*FIELDS, "YQ=="]), id="a field too many"),
        pytest.param(with_field(3, "1700000000"), id="no microseconds"),
        pytest.param(with_field(3, "1.2.3"), id="a dot too many"),
        pytest.param(with_field(3, "now.1"), id="no number"),
        pytest.param(with_field(6, "sip:alice@ims.example"), id="To is not encoded"),
        pytest.param(with_field(7, "YQ"), id="Call-ID without padding"),
        pytest.param(with_field(8, "YW Jj"), id="space in base64"),
        pytest.param(with_field(6, b64encode(b"a\0b").decode()), id="key that C cannot hold"),
    ],
)
def test_a_malformed_record_is_refused(record):
    with pytest.raises(MalformedRecordError):
        read_question("1:1", record)


@pytest.mark.parametrize(
    "record", [a_record() + "|", a_record()[:-1], a_record(stamp="t0ken.1"), "Bearer t0ken"]
)
def test_what_is_said_of_a_malformed_record_names_no_value(record):
    with pytest.raises(MalformedRecordError) as caught:
        read_question("1:1", record)

    said = "".join(map(str, (caught.value, caught.value.__cause__)))
    assert not any(secret in said for secret in ("t0ken", *filter(None, FIELDS)))
