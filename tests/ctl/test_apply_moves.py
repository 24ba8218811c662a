"""`apply` takes from one WWSF what it gives to another, in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest


if TYPE_CHECKING:
    from tests.ctl.conftest import Operator

SHARED = """
[home_domains."home1.net"]

[authorization_entities.waf]
issuer = "https://waf.home1.net"
location = "operator"
keys.jwks_url = "https://waf.home1.net/jwks"
algorithms = ["ES256"]
"""
MOVABLE = {
    "origins": '"https://moved.example"',
    "client_certificates": f'"{"ab" * 32}"',
    "pool.impi_realms": '"moved.example"',
    "pool.impis": '"alice@moved.example"',
    "ranges": '{ range = "sip:moved!.*!@home1.net" }',
}


def wwsf(name: str, **has: str) -> str:
    """A WWSF with what is its own in any case, and what it has besides."""
    own = {
        "origins": f'"https://{name}.example"',
        "client_certificates": "",
        "pool.impi_realms": f'"{name}.example"',
        "pool.impis": "",
        "ranges": "",
    }
    lines = [
        f"{field} = [{', '.join(filter(None, (value, has.get(field))))}]"
        for field, value in own.items()
    ]
    return "\n".join([f"[wwsfs.{name}]", 'authorization_entities = ["waf"]', *lines, ""])


async def apply(operator: Operator, *parts: str, succeed: bool = True) -> str:
    path = operator.file("policy.toml", "\n".join((SHARED, *parts)))
    return (await operator.run("apply", "--yes", path, succeed=succeed)).output


def holders(operator: Operator, word: str) -> list[str]:
    """The WWSFs that have something with *word* in it."""
    wwsfs = operator.sidecar.board.current().wwsfs
    return [name for name, each in sorted(wwsfs.items()) if word in str(each)]


@pytest.mark.parametrize("field", MOVABLE)
@pytest.mark.parametrize(("giver", "taker"), [("one", "two"), ("two", "one")])
async def test_what_moves_is_taken_before_it_is_given(
    operator: Operator, field: str, giver: str, taker: str
) -> None:
    moved = {field: MOVABLE[field]}
    await apply(operator, wwsf(giver, **moved), wwsf(taker))
    word = "ab" * 32 if field == "client_certificates" else "moved"
    assert holders(operator, word) == [giver]

    now: dict[str, dict[str, str]] = {giver: {}, taker: moved}
    shown = await apply(operator, wwsf("one", **now["one"]), wwsf("two", **now["two"]))

    assert holders(operator, word) == [taker]
    assert shown.index(f"~ wwsfs/{giver}") < shown.index(f"~ wwsfs/{taker}")
    assert "applied: 0 to create, 2 to update" in shown


async def test_a_new_wwsf_may_take_over_and_be_named_in_the_same_run(operator: Operator) -> None:
    await apply(operator, wwsf("one", ranges=MOVABLE["ranges"]))
    subscription = '[subscriptions."carol@home1.net"]\nimpus = ["sip:carol@home1.net"]\n'

    shown = await apply(
        operator,
        wwsf("one"),
        wwsf("fresh", ranges=MOVABLE["ranges"]),
        subscription + 'wwsfs = ["fresh"]',
    )

    assert holders(operator, "moved") == ["fresh"]
    assert "applied: 2 to create, 1 to update" in shown


async def test_what_moves_on_moves_on(operator: Operator) -> None:
    first, second = '"https://first.moved.example"', '"https://second.moved.example"'
    await apply(operator, wwsf("one", origins=first), wwsf("two", origins=second), wwsf("three"))

    await apply(operator, wwsf("three", origins=second), wwsf("two", origins=first), wwsf("one"))

    assert holders(operator, "first.moved") == ["two"]
    assert holders(operator, "second.moved") == ["three"]


@pytest.mark.req("S001-24")
@pytest.mark.parametrize("field", MOVABLE)
async def test_what_nobody_gives_up_is_not_to_be_had(operator: Operator, field: str) -> None:
    moved = {field: MOVABLE[field]}
    await apply(operator, wwsf("one", **moved), wwsf("two"))
    before = operator.sidecar.board.current()

    shown = await apply(operator, wwsf("two", **moved), succeed=False)

    assert "wwsfs/one" in shown
    assert operator.sidecar.board.current() is before
