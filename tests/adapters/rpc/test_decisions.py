"""DecisionAdmin tells what was decided and why, and never a token."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio

from prometheus_client import CollectorRegistry

from epcscf.admin.v1 import decisions_pb2 as pb
from epcscf.admin.v1 import decisions_pb2_grpc
from epcscfd.domain.judgement import judge_register
from epcscfd.domain.reasons import Reason
from epcscfd.domain.replies import REPLIES
from epcscfd.rpc.decisions import LARGEST_PAGE, USUAL_PAGE, DecisionAdmin
from epcscfd.telemetry.journal import DecisionJournal
from epcscfd.telemetry.metrics import Metrics
from tests.adapters.rpc.conftest import served
from tests.builders import NOW, OPAQUE, a_case, a_fault, a_token, register_facts


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from epcscfd.domain.case import Case


class Operator:
    """Asks what was decided."""

    def __init__(
        self, stub: decisions_pb2_grpc.DecisionAdminAsyncStub, journal: DecisionJournal
    ) -> None:
        self._stub = stub
        self._journal = journal

    def decide(self, decision_id: str, case: Case) -> None:
        self._journal.record(judge_register(case, decision_id, timedelta(milliseconds=1)))

    async def ask(
        self,
        *,
        page_size: int = 0,
        decision_id: str = "",
        matching: str = "",
        refused_only: bool = False,
    ) -> list[pb.Decision]:
        request = pb.ListDecisionsRequest(
            page_size=page_size,
            decision_id=decision_id,
            matching=matching,
            refused_only=refused_only,
        )
        return list((await self._stub.ListDecisions(request)).decisions)

    async def ids(self, *, matching: str = "", refused_only: bool = False) -> list[str]:
        found = await self.ask(matching=matching, refused_only=refused_only)
        return [decision.decision_id for decision in found]


@pytest_asyncio.fixture
async def operator(directory: Path) -> AsyncIterator[Operator]:
    journal = DecisionJournal(Metrics(CollectorRegistry()))
    async with served(directory, DecisionAdmin(journal)) as server:
        stub: decisions_pb2_grpc.DecisionAdminAsyncStub = decisions_pb2_grpc.DecisionAdminStub(
            server.channel
        )
        yield Operator(stub, journal)


async def test_a_refusal_says_which_check_failed_and_what_would_help(operator: Operator) -> None:
    facts = register_facts(to="sip:bob@home1.net", call_id="c1")
    operator.decide("d1", a_case(facts=facts, assertion=a_token(token_id="jti-1")))

    (decision,) = await operator.ask(decision_id="d1")

    assert decision.ending == "refuse"
    assert decision.reason == Reason.IDENTITY_NOT_ASSERTED
    assert decision.advice == REPLIES[Reason.IDENTITY_NOT_ASSERTED].advice
    assert [check.passed for check in decision.checks][:-1] == [True] * (len(decision.checks) - 1)
    assert not decision.checks[-1].passed
    assert decision.checks[-1].clause
    assert decision.time.ToDatetime(NOW.tzinfo) == NOW
    assert (decision.wwsf, decision.authorization_entity) == ("shop", "waf")
    assert (decision.impi, decision.impu) == ("alice@home1.net", "sip:bob@home1.net")
    assert (decision.call_id, decision.token_id, decision.revision) == ("c1", "jti-1", 1)


async def test_what_was_let_through_has_passed_every_check(operator: Operator) -> None:
    operator.decide("d1", a_case())

    (decision,) = await operator.ask()

    assert (decision.ending, decision.reason, decision.advice) == ("forward", "", "")
    assert all(check.passed for check in decision.checks)


async def test_what_exactly_was_found_is_told_with_the_advice(operator: Operator) -> None:
    operator.decide("d1", a_case(assertion=a_fault()))

    (decision,) = await operator.ask()

    assert decision.advice.startswith(REPLIES[Reason.SIGNATURE_INVALID].advice)
    assert "found something" in decision.advice


async def test_the_newest_comes_first_and_texts_are_searched(operator: Operator) -> None:
    operator.decide("d1", a_case())
    operator.decide("d2", a_case(facts=register_facts(to="sip:bob@home1.net")))
    operator.decide("d3", a_case(facts=register_facts(call_id="other-call")))

    assert await operator.ids() == ["d3", "d2", "d1"]
    assert await operator.ids(refused_only=True) == ["d2"]
    assert await operator.ids(matching="bob") == ["d2"]
    assert await operator.ids(matching="other-call") == ["d3"]
    assert await operator.ids(matching="alice@home1.net") == ["d3", "d2", "d1"]
    assert await operator.ids(matching="nobody") == []


async def test_there_are_usual_and_largest_answers(operator: Operator) -> None:
    for number in range(LARGEST_PAGE + 1):
        operator.decide(str(number), a_case())

    assert len(await operator.ask()) == USUAL_PAGE
    assert len(await operator.ask(page_size=LARGEST_PAGE + 1)) == LARGEST_PAGE
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await operator.ask(page_size=-1)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_only_so_many_are_remembered() -> None:
    journal = DecisionJournal(Metrics(CollectorRegistry()), memory=2)
    for number in range(3):
        journal.record(judge_register(a_case(), str(number), timedelta(0)))

    assert [judgement.decision_id for judgement in journal.newest_first()] == ["2", "1"]


@pytest.mark.req("SX-3")
async def test_no_part_of_the_token_is_remembered(operator: Operator) -> None:
    operator.decide("d1", a_case())
    operator.decide("d2", a_case(facts=register_facts(to=f"sip:{'x' * 400}@home1.net")))
    token = OPAQUE.removeprefix("Bearer ")

    assert all(token not in str(decision) for decision in await operator.ask())
