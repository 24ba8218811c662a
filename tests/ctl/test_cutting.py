"""Cutting off: revocations, terminated registrations, suspended partners, drained edges."""

from __future__ import annotations

import asyncio
import json

from typing import TYPE_CHECKING, Any

import pytest

from epcscf.control.v1 import registrations_pb2 as pb
from epcscfctl.failures import EXIT_CONFLICT, EXIT_INVALID, EXIT_NOT_FOUND, EXIT_UNCONFIRMED
from tests.ctl.test_resources import ENTITY, WWSF


if TYPE_CHECKING:
    from click.testing import Result

    from tests.ctl.conftest import EdgeStream, Operator

ISSUER = "https://waf.home1.net"


@pytest.fixture
async def partner(operator: Operator) -> Operator:
    await operator.run(*ENTITY)
    await operator.run(*WWSF)
    return operator


async def carried_out(
    operator: Operator, edge: EdgeStream, *words: str
) -> tuple[Result, pb.Order]:
    """Run the command line; do as the edge is told, and confirm it."""
    running = asyncio.create_task(operator.run_bare(*socket(operator), *words))
    while (frame := await edge.hear()).WhichOneof("frame") != "orders":
        pass
    (order,) = frame.orders.orders
    done = pb.Progress(order=order.id, registrations=1, connections=2, cut=True, finished=True)
    await edge.say(progress=done)
    return await running, order


def socket(operator: Operator) -> tuple[str, ...]:
    return ("--output", "json", "--socket", f"{operator.directory}/admin.sock")


def whom(order: pb.Order) -> tuple[str, str]:
    name = order.cut.WhichOneof("whom")
    assert name
    return name, str(getattr(order.cut, name))


@pytest.mark.parametrize(
    ("words", "target"),
    [
        (("--jti", "t1", "--issuer", ISSUER), "token_id"),
        (("--subject", "u1", "--entity", "waf"), "subject"),
        (("--impi", "alice@home1.net"), "impi"),
        (("--wwsf", "shop"), "wwsf"),
    ],
)
@pytest.mark.req("SX-9")
async def test_a_revocation_is_in_force_and_cuts(
    partner: Operator, words: tuple[str, ...], target: str
) -> None:
    async with partner.edge() as edge:
        result, order = await carried_out(partner, edge, "revocations", "create", *words)

    assert result.exit_code == 0, result.output
    done = json.loads(result.stdout)
    assert whom(order)[0] == target
    assert done["order"]["confirmed"] is True
    assert done["order"]["deliveries"] == [
        {"edge": "edges/edge1", "state": "FINISHED", "registrations": "1", "connections": "2"}
    ]
    assert (
        len(json.loads((await partner.run_bare(*socket(partner), "revocations", "list")).stdout))
        == 1
    )


async def test_an_edge_that_is_away_is_told_so_and_does_it_when_it_is_back(
    partner: Operator,
) -> None:
    async with partner.edge():
        pass
    result = await partner.run("revocations", "create", "--impi", "a@home1.net", succeed=False)

    assert result.exit_code == EXIT_UNCONFIRMED
    assert "not confirmed" in result.output
    async with partner.edge() as edge:
        frame = await edge.hear()
        assert whom(frame.orders.orders[0]) == ("impi", "a@home1.net")


async def test_the_same_request_revokes_once(partner: Operator) -> None:
    for _ in range(2):
        await partner.run("revocations", "create", "--impi", "a@home1.net", "--request-id", "r1")

    listed = await partner.run("--output", "json", "revocations", "list")
    assert len(json.loads(listed.stdout)) == 1


async def test_a_revocation_can_be_taken_back(partner: Operator) -> None:
    await partner.run("revocations", "create", "--impi", "a@home1.net", "--request-id", "r1")
    (kept,) = json.loads((await partner.run("--output", "json", "revocations", "list")).stdout)
    await partner.run("revocations", "delete", kept["name"].removeprefix("revocations/"))

    assert json.loads((await partner.run("--output", "json", "revocations", "list")).stdout) == []
    gone = await partner.run("revocations", "delete", kept["name"], succeed=False)
    assert gone.exit_code == EXIT_NOT_FOUND


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--jti", "t1"),
        ("--jti", "t1", "--impi", "a@home1.net"),
        ("--impi", "nobody"),
        ("--wwsf", "nobody"),
        ("--impi", "a@home1.net", "--expires", "2020-01-01T00:00:00Z"),
    ],
)
async def test_what_names_no_token_is_refused(partner: Operator, words: tuple[str, ...]) -> None:
    result = await partner.run("revocations", "create", *words, succeed=False)

    assert result.exit_code == EXIT_INVALID


@pytest.mark.parametrize(
    ("words", "cut"),
    [
        (("--impi", "alice@ims.example"), ("impi", "alice@ims.example")),
        (("--impu", "sip:alice@IMS.example"), ("impu", "sip:alice@ims.example")),
        (("--wwsf", "shop"), ("wwsf", "shop")),
        (("--node", "edge1"), ("wwsf", "shop")),
    ],
)
async def test_registrations_are_ended(
    partner: Operator, words: tuple[str, ...], cut: tuple[str, str]
) -> None:
    async with partner.edge() as edge:
        await edge.stands()
        result, order = await carried_out(
            partner, edge, "registrations", "terminate", "-y", *words
        )

    assert result.exit_code == 0, result.output
    assert whom(order) == cut


async def test_one_registration_is_ended_by_its_name(partner: Operator) -> None:
    async with partner.edge() as edge, partner.edge("edge2") as other:
        await edge.stands()
        (found,) = json.loads(
            (await partner.run("--output", "json", "registrations", "list")).stdout
        )
        words = ("registrations", "terminate", "-y", found["name"])
        result, order = await carried_out(partner, edge, *words)
        await other.echo()

    assert result.exit_code == 0, result.output
    assert whom(order) == ("registration", "c1|alice")


async def test_ending_registrations_asks_first(partner: Operator) -> None:
    words = ("registrations", "terminate", "--wwsf", "shop")

    await partner.run(*words, typed="n\n", succeed=False)

    assert "no edge" not in (await partner.run("orders", "list")).output
    assert (await partner.run("registrations", "terminate", "-y", succeed=False)).exit_code == (
        EXIT_INVALID
    )


@pytest.mark.parametrize(
    ("words", "cut"),
    [
        (("wwsf", "suspend", "shop", "-y"), ("wwsf", "shop")),
        (("entity", "bar", "waf", "-y"), ("scope", "shop/waf")),
    ],
)
@pytest.mark.req("S000-8")
async def test_barring_cuts_at_the_edges(
    partner: Operator, words: tuple[str, ...], cut: tuple[str, str]
) -> None:
    async with partner.edge() as edge:
        result, order = await carried_out(partner, edge, *words)

    assert result.exit_code == 0, result.output
    assert whom(order) == cut
    assert "edge1: finished, 2 connections closed" in result.stderr


async def test_a_wwsf_that_is_suspended_by_a_file_is_cut_too(partner: Operator) -> None:
    async with partner.edge() as edge:
        await partner.run("wwsf", "update", "shop", "--state", "suspended")
        while (frame := await edge.hear()).WhichOneof("frame") != "orders":
            pass

    assert whom(frame.orders.orders[0]) == ("wwsf", "shop")


async def test_who_suspends_hears_of_an_edge_that_has_not_confirmed(partner: Operator) -> None:
    async with partner.edge():
        result = await partner.run("wwsf", "suspend", "shop", "-y", succeed=False)

    assert result.exit_code == EXIT_UNCONFIRMED
    assert "edge1: not confirmed" in result.stderr


@pytest.mark.req("SX-28")
async def test_an_edge_is_drained_and_taken_back(partner: Operator) -> None:
    async with partner.edge() as edge:
        _, first = await carried_out(partner, edge, "drain", "edge1", "--over", "10m")
        _, second = await carried_out(partner, edge, "drain", "edge1", "--undo")

    assert (first.drain.seconds, second.drain.seconds) == (600, 0)
    assert second.WhichOneof("what") == "drain"


async def test_only_an_edge_that_was_here_can_be_drained(partner: Operator) -> None:
    result = await partner.run("drain", "edge9", succeed=False)
    wrong = await partner.run("drain", "edge9", "--over", "soon", succeed=False)

    assert result.exit_code == EXIT_NOT_FOUND
    assert "soon" in wrong.output


async def test_edges_and_orders_are_listed(partner: Operator) -> None:
    async with partner.edge() as edge:
        await edge.stands()
        here = json.loads((await partner.run("--output", "json", "edges", "list")).stdout)
        await carried_out(partner, edge, "drain", "edge1", "--request-id", "r1")
    shown = await partner.run("orders", "list")
    open_ = await partner.run("--output", "json", "orders", "list", "--unconfirmed")
    listed = json.loads((await partner.run("--output", "json", "orders", "list")).stdout)
    one = await partner.run("orders", "show", listed[0]["name"])

    assert [(each["name"], each["connected"]) for each in here] == [("edges/edge1", True)]
    assert "drain" in shown.stdout
    assert json.loads(open_.stdout) == []
    assert "finished" in one.stdout
    rows: list[dict[str, Any]] = listed
    assert rows[0]["confirmed"] is True


def test_the_statuses_of_failures_are_told_apart() -> None:
    assert len({EXIT_CONFLICT, EXIT_INVALID, EXIT_NOT_FOUND, EXIT_UNCONFIRMED}) == 4
