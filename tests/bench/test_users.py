"""Injection files hold what their names say."""

from __future__ import annotations

import jwt
import pytest

from bench.users import GUEST, Users
from lab.issuer import Issuer


ISSUER = Issuer("https://waf.ims.example", "portal")


@pytest.fixture
def users(tmp_path):
    return Users(ISSUER, 3, tmp_path)


def calls_in(path):
    first, *lines = path.read_text().splitlines()
    assert first == "SEQUENTIAL"
    for line in lines:
        user, _, bearer = line.partition(";")
        token = bearer.removeprefix("Bearer ")
        claims = jwt.decode(
            token, ISSUER.key.private.public_key(), algorithms=["ES256"], audience="ims.example"
        )
        yield f"sip:{user}@ims.example", claims["ims_impu"], token


def test_own_tokens_are_the_users(users):
    calls = list(calls_in(users.own_tokens(4)))

    assert [to for to, _, _ in calls] == [f"sip:u{n}@ims.example" for n in (0, 1, 2, 0)]
    assert all(owned == [to] for to, owned, _ in calls)


def test_users_of_another_kind_have_other_names(tmp_path):
    users = Users(ISSUER, 3, tmp_path, GUEST)

    assert [to for to, _, _ in calls_in(users.own_tokens(1))] == [f"sip:{GUEST}0@ims.example"]


def test_no_token_comes_twice(users):
    files = (users.own_tokens(5), users.own_tokens(5))
    tokens = [token for path in files for _, _, token in calls_in(path)]

    assert len(set(tokens)) == 10


def test_foreign_tokens_are_good_and_of_somebody_else(users):
    calls = list(calls_in(users.foreign_tokens(4)))

    assert len(calls) == 4
    assert all(to not in owned for to, owned, _ in calls)
