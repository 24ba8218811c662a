"""Which tokens a revocation is about."""

from __future__ import annotations

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.orders import Cut, Target
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Entry, State
from epcscfd.domain.revocation import Revocations, active
from epcscfd.domain.token import digest_of
from tests.builders import NOW, a_revocation, a_token, from_now
from tests.fakes.registrations import a_registration


SHOP = WwsfId("shop")
ISSUER = "https://waf.home1.net"


def of(**changes: object) -> Revocations:
    return Revocations((a_revocation(**changes),))


@pytest.mark.parametrize(
    ("whom", "value"),
    [
        ("token_id", digest_of(ISSUER, "t1")),
        ("subject", digest_of(ISSUER, "web-user-17")),
        ("impi", "alice@home1.net"),
        ("wwsf", "shop"),
    ],
)
def test_a_token_is_revoked_by_each_of_its_names(whom: str, value: str) -> None:
    revocations = of(whom=whom, value=value)

    assert revocations.of_token(a_token(token_id="t1"), SHOP) is revocations.each[0]
    assert of(whom=whom, value=f"{value}x").of_token(a_token(token_id="t1"), SHOP) is None


def test_the_same_name_of_another_issuer_is_another() -> None:
    other = of(whom="token_id", value=digest_of("https://other.example", "t1"))

    assert other.of_token(a_token(token_id="t1"), SHOP) is None


def test_a_token_without_jti_is_not_revoked_by_an_empty_one() -> None:
    assert of(whom="token_id", value="").of_token(a_token(), SHOP) is None


@pytest.mark.parametrize(("issued_at", "revoked"), [(-1, True), (0, True), (1, False)])
def test_tokens_issued_after_it_are_good(issued_at: int, revoked: bool) -> None:  # noqa: FBT001
    token = a_token(issued_at=issued_at)

    assert (of().of_token(token, SHOP) is not None) is revoked


def test_one_token_is_revoked_whenever_it_was_issued() -> None:
    revocations = of(whom="token_id", value=digest_of(ISSUER, "t1"), issued_before=-3600)

    assert revocations.of_token(a_token(token_id="t1", issued_at=60), SHOP) is not None


@given(st.permutations([-100, 0, 50]))
def test_the_one_that_reaches_furthest_decides(moments: list[int]) -> None:
    each = tuple(a_revocation(id=str(at), issued_before=at) for at in moments)

    found = Revocations(each).of_token(a_token(issued_at=30), SHOP)

    assert found is not None
    assert found.id == "50"


def test_what_stood_before_it_is_revoked_and_what_came_later_is_not() -> None:
    revocations = of(whom="impi", value="alice@home1.net", issued_before=0)
    old = Entry(a_registration(), State.STANDS, from_now(-5), NOW, 1)
    new = Entry(a_registration(), State.STANDS, from_now(5), NOW, 1)

    assert revocations.of_entry(old) is not None
    assert revocations.of_entry(new) is None


def test_it_is_forgotten_when_no_such_token_can_be_alive() -> None:
    kept, gone = a_revocation(expires_at=1), a_revocation(expires_at=0)

    assert active([kept, gone], NOW) == (kept,)


@pytest.mark.parametrize("whom", ["token_id", "subject", "impi", "wwsf"])
def test_whoever_came_in_by_it_is_cut(whom: str) -> None:
    order = a_revocation(whom=whom, value="v").cut

    assert order.errand == Cut(Target(whom), "v")
    assert order == a_revocation(whom=whom, value="v").cut
