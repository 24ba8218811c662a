"""`epcscfctl registrations`, against a real sidecar that hears real edges."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING

from epcscf.control.v1 import registrations_pb2 as pb
from epcscfctl.failures import EXIT_NOT_FOUND


if TYPE_CHECKING:
    from tests.ctl.conftest import Operator


async def listed(operator: Operator, *words: str) -> list[dict[str, str]]:
    result = await operator.run("--output", "json", "registrations", "list", *words)
    found: list[dict[str, str]] = json.loads(result.stdout)
    return found


async def test_who_is_registered_is_listed(operator: Operator) -> None:
    async with operator.edge() as edge:
        await edge.stands()
        await edge.stands(id="2", impi="bob@ims.example", impu="sip:bob@ims.example")
        both = await listed(operator)
        one = await listed(operator, "--impu", "SIP:bob@IMS.example:5060")
        none = await listed(operator, "--wwsf", "hotel")

    assert {each["impi"] for each in both} == {"alice@ims.example", "bob@ims.example"}
    assert [each["impi"] for each in one] == ["bob@ims.example"]
    assert none == []


async def test_what_has_ended_is_shown_with_its_cause(operator: Operator) -> None:
    async with operator.edge() as edge:
        await edge.stands()
        ended = pb.Report(ended=pb.Ended(id="c1|alice", cause=pb.CAUSE_TOKEN_EXPIRED))
        await edge.say(reports=pb.ReportBatch(reports=[ended]))
        await edge.echo()
        standing, all_ = await listed(operator), await listed(operator, "--ended")

    assert standing == []
    assert [(each["state"], each["cause"]) for each in all_] == [("ENDED", "token_expired")]


async def test_one_is_shown_whole(operator: Operator) -> None:
    async with operator.edge() as edge:
        await edge.stands()
        key = (await listed(operator))[0]["name"].removeprefix("registrations/")
        shown = await operator.run("registrations", "show", key)
        table = await operator.run("registrations", "list")

    assert "authorizationEntities/waf" in shown.stdout
    assert "sip:a1@x7.invalid;transport=ws" in shown.stdout
    assert f"{key}  sip:alice@ims.example  alice@ims.example" in table.stdout


async def test_what_an_edge_left_behind_is_shown_as_that(operator: Operator) -> None:
    async with operator.edge() as edge:
        await edge.stands()
    async with operator.edge(boot_id="b2"):
        (found,) = await listed(operator)

    assert found["state"] == "LEFT_BEHIND"


async def test_what_is_not_known_is_not_found(operator: Operator) -> None:
    result = await operator.run("registrations", "show", "0" * 24, succeed=False)

    assert result.exit_code == EXIT_NOT_FOUND


async def test_no_identity_is_malformed(operator: Operator) -> None:
    result = await operator.run("registrations", "list", "--impu", "alice", succeed=False)

    assert "impu" in result.output
