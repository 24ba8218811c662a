"""What the command line tells about the sidecar, about decisions, and about what went wrong."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from click.testing import CliRunner

from epcscf.control.v1 import control_pb2 as pb
from epcscfctl.failures import EXIT_UNAVAILABLE
from epcscfctl.main import cli
from lab.certificates import Authority
from tests.ctl.test_apply import POLICY


if TYPE_CHECKING:
    from pathlib import Path

    from tests.ctl.conftest import Operator


@pytest_asyncio.fixture
async def refused(operator: Operator) -> str:
    """Give the id of a decision to refuse Bob, who showed a token that is none."""
    await operator.run("apply", "--yes", operator.file("policy.toml", POLICY))
    question = pb.Question(
        id=1,
        door=pb.Door(wwsf="shop"),
        to="sip:bob@home1.net",
        authorization="Bearer not-a-jwt",
        call_id="call-of-bob",
    )
    return (await operator.ask(question)).decision_id


async def test_status_tells_health_revision_and_counts(operator: Operator) -> None:
    await operator.run("apply", "--yes", operator.file("policy.toml", POLICY))

    status = await operator.run("status")

    assert [line.rsplit(maxsplit=1) for line in status.stdout.splitlines()] == [
        ["health", "SERVING"],
        ["policy revision", "5"],
        ["home domains", "1"],
        ["authorization entities", "1"],
        ["wwsfs", "1"],
        ["subscriptions", "1"],
    ]


async def test_explain_tells_why_somebody_was_refused(operator: Operator, refused: str) -> None:
    told = await operator.run("explain", "--match", "bob")

    lines = told.stdout.splitlines()
    assert lines[0] == "refused: token_malformed"
    assert "signed JWT" in lines[1]
    facts = dict(line.rstrip().rsplit(maxsplit=1) for line in lines[2:11])
    assert facts["decision"] == refused
    assert facts["impu"] == "sip:bob@home1.net"
    assert facts["call-id"] == "call-of-bob"
    checks = lines[11:]
    assert checks[-1].startswith("✗")
    assert all(line.startswith("✓") for line in checks[:-1])
    assert "not-a-jwt" not in told.stdout


@pytest.mark.parametrize("by", ["id", "nothing"])
async def test_explain_finds_by_id_and_else_the_last_refusal(
    operator: Operator, refused: str, by: str
) -> None:
    words = [refused] if by == "id" else []

    told = json.loads((await operator.run("--output", "json", "explain", *words)).stdout)

    assert told["decision_id"] == refused


async def test_decisions_are_listed(operator: Operator, refused: str) -> None:
    listed = (await operator.run("decisions", "list", "--refused")).stdout.splitlines()
    other = (await operator.run("decisions", "list", "--match", "carol")).stdout.splitlines()

    assert listed[0].split() == ["time", "decision", "ending", "reason", "impu", "wwsf"]
    assert listed[1].split()[1:] == [
        refused, "refuse", "token_malformed", "sip:bob@home1.net", "shop",
    ]  # fmt: skip
    assert len(other) == 1


async def test_what_is_not_remembered_is_said(operator: Operator) -> None:
    told = await operator.run("explain", "0815", succeed=False)

    assert told.exit_code == 3
    assert "0815" in told.stderr
    assert "log" in told.stderr


STATUSES = [
    (("wwsf", "get", "nobody"), 3, "list"),
    (("home-domain", "create", "home1.net"), 4, "update"),
    (("entity", "delete", "waf", "--yes"), 4, "wwsfs/shop"),
    (("home-domain", "create", "HOME2.net"), 5, "home2.net"),
    (("home-domain", "update", "home1.net"), 5, "flags or --file"),
    (("home-domain", "create"), 2, "HOMEDOMAIN"),
]


@pytest.mark.parametrize(("words", "status", "hint"), STATUSES)
async def test_failures_say_what_to_do_and_end_with_a_status_of_their_own(
    operator: Operator, words: tuple[str, ...], status: int, hint: str
) -> None:
    await operator.run("apply", "--yes", operator.file("policy.toml", POLICY))

    failed = await operator.run(*words, succeed=False)

    assert failed.exit_code == status
    assert hint in failed.stderr
    assert "Traceback" not in failed.output


def test_a_sidecar_that_is_not_there_is_said(tmp_path: Path) -> None:
    failed = CliRunner().invoke(cli, ["--socket", f"{tmp_path}/nothing.sock", "status"])

    assert failed.exit_code == EXIT_UNAVAILABLE
    assert "epcscfd" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_the_network_is_spoken_to_under_mutual_tls_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    failed = CliRunner().invoke(
        cli, ["--target", "127.0.0.1:1", "--ca", str(authority.certificate), "status"]
    )

    assert failed.exit_code == 2
    assert "--cert, --key" in failed.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_for_this_command(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])

    assert result.exit_code == 0
    assert "_EPCSCFCTL_COMPLETE" in result.stdout


def test_everything_has_a_word_of_help() -> None:
    def commands(command: Any) -> list[Any]:
        inner = getattr(command, "commands", {}).values()
        return [command, *(below for each in inner for below in commands(each))]

    assert not [command.name for command in commands(cli) if not command.help]
