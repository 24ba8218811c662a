"""`epcscfctl events` and `webhooks`, against a real sidecar that hears real edges."""

from __future__ import annotations

import asyncio
import json

from typing import TYPE_CHECKING

import pytest

from epcscf.control.v1 import registrations_pb2 as pb
from epcscfctl.failures import EXIT_INVALID, EXIT_NOT_FOUND
from tests.ctl.test_resources import ENTITY, WWSF
from tests.fakes.receiver import Receiver


if TYPE_CHECKING:
    from tests.ctl.conftest import Operator

SECRET = "correct horse battery staple and more"


@pytest.fixture
async def partner(operator: Operator) -> Operator:
    await operator.run(*ENTITY)
    await operator.run(*WWSF)
    return operator


async def release(operator: Operator, name: str = "alice") -> None:
    """Have an identity released, and wait until that is written."""
    await tell_release(operator, name)
    # A list waits until all that was told is written.
    await operator.run("registrations", "list")


async def tell_release(operator: Operator, name: str = "alice") -> None:
    async with operator.edge() as edge:
        await edge.stands(id=name, impi=f"{name}@ims.example", impu=f"sip:{name}@ims.example")
        ended = pb.Report(ended=pb.Ended(id=name, cause=pb.CAUSE_CLIENT))
        await edge.say(reports=pb.ReportBatch(reports=[ended]))
        await edge.echo()


@pytest.mark.req("S003-3")
async def test_who_watches_sees_what_is_released(operator: Operator) -> None:
    await release(operator, "alice")
    await release(operator, "bob")
    words = ("events", "watch", "--from", "oldest")

    first = await operator.run("--output", "json", *words, "--count", "1")
    event = json.loads(first.stdout.splitlines()[-1])
    rest = await operator.run(*words[:2], "--from", event["cursor"], "--count", "1")

    assert (event["impi"], event["cause"], event["sequence"]) == (
        "alice@ims.example",
        "client",
        "1",
    )
    assert event["wwsf"] == "wwsfs/shop"
    assert "may_return_until" in event
    assert "bob@ims.example" in rest.stdout
    assert "may return until" in rest.stdout


async def test_who_watches_sees_it_as_it_happens(operator: Operator) -> None:
    words = ("events", "watch", "--from", "oldest", "--wwsf", "shop", "--count", "1")
    watching = asyncio.create_task(operator.run(*words))
    await tell_release(operator)

    assert "alice@ims.example" in (await watching).stdout


async def test_a_cursor_of_another_time_is_refused(operator: Operator) -> None:
    result = await operator.run("events", "watch", "--from", "x.1", succeed=False)

    assert result.exit_code == EXIT_NOT_FOUND
    assert "begin anew" in result.output


async def test_a_webhook_is_delivered_to_and_shows_no_secret(partner: Operator) -> None:
    secret = partner.file("secret", f"{SECRET}\n")
    async with Receiver() as receiver:
        url = receiver.url
        words = ("webhooks", "set", "shop", "--url", url, "--secret-file", secret)
        await partner.run(*words)
        await release(partner)
        (received,) = await receiver.until(1)
    listed = await partner.run("--output", "json", "webhooks", "list")
    table = await partner.run("webhooks", "list")

    assert received.told["impu"] == "sip:alice@ims.example"
    assert json.loads(listed.stdout)[0]["url"] == url
    assert SECRET not in listed.stdout + table.stdout
    assert url in table.stdout


@pytest.mark.parametrize(
    ("wwsf", "url", "secret"),
    [
        ("shop", "http://shop.example/", SECRET),
        ("shop", "https://shop.example/", "short"),
        ("nobody", "https://shop.example/", SECRET),
    ],
)
async def test_what_could_not_be_delivered_to_is_refused(
    partner: Operator, wwsf: str, url: str, secret: str
) -> None:
    file = partner.file("secret", secret)
    words = ("webhooks", "set", wwsf, "--url", url, "--secret-file", file)

    assert (await partner.run(*words, succeed=False)).exit_code == EXIT_INVALID


async def test_a_webhook_is_deleted(partner: Operator) -> None:
    secret = partner.file("secret", SECRET)
    words = ("set", "shop", "--url", "https://shop.example/", "--secret-file", secret)
    await partner.run("webhooks", *words)
    await partner.run("webhooks", "delete", "shop", typed="n\n", succeed=False)
    assert "shop.example" in (await partner.run("webhooks", "list")).stdout
    await partner.run("webhooks", "delete", "shop", "-y")

    assert "shop.example" not in (await partner.run("webhooks", "list")).stdout
    gone = await partner.run("webhooks", "delete", "shop", "-y", succeed=False)
    assert gone.exit_code == EXIT_NOT_FOUND
    dead = await partner.run("--output", "json", "webhooks", "dead")
    assert json.loads(dead.stdout) == []
