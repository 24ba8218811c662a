"""What is judged about claims, beyond what the register vectors show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_token


texts = st.text(max_size=8)


@given(texts, texts, texts, texts)
def test_a_subject_is_one_of_its_issuer(issuer, subject, other_issuer, other_subject):
    one = a_token(issuer=issuer, subject=subject)
    other = a_token(issuer=other_issuer, subject=other_subject)
    same = (issuer, subject) == (other_issuer, other_subject)

    assert same == (one.subject_digest == other.subject_digest)


def test_issuer_and_subject_are_kept_apart():
    one = a_token(issuer="https://a.example/1", subject="2")
    other = a_token(issuer="https://a.example/", subject="12")

    assert one.subject_digest != other.subject_digest
    assert len(one.subject_digest) == 64


def test_a_token_without_an_id_has_no_digest_of_one():
    assert not a_token(token_id="").id_digest


def test_the_same_id_of_another_issuer_is_another_token():
    one, other = (a_token(token_id="j", issuer=issuer) for issuer in ("https://a", "https://b"))

    assert one.id_digest != other.id_digest
