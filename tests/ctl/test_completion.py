"""What a shell is offered when somebody presses TAB: words of the command, and names of things."""

from __future__ import annotations

import asyncio
import shlex
import socket
import subprocess
import sys
import tempfile

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from epcscf.control.v1 import control_pb2 as pb
from epcscfctl import names
from epcscfctl.names import PATIENCE
from tests.ctl.conftest import press_tab


if TYPE_CHECKING:
    from tests.ctl.conftest import Operator

POLICY = """
[home_domains."ims.example"]

[authorization_entities.waf]
issuer = "https://waf.ims.example"
location = "operator"
algorithms = ["ES256"]
keys.jwks_url = "https://waf.ims.example/jwks"

[authorization_entities.wallet]
issuer = "https://wallet.example"
location = "third-party"
entity_id = "wallet.example"
algorithms = ["ES256"]
keys.jwks_url = "https://wallet.example/jwks"

[wwsfs.shop]
origins = ["https://shop.example"]
authorization_entities = ["waf"]

[wwsfs.hall]
origins = ["https://hall.example"]
authorization_entities = ["waf"]
ranges = [{ range = "sip:seat!.*!@ims.example" }, { range = "sip:box!.*!@ims.example" }]

[subscriptions."alice@ims.example"]
impus = ["sip:alice@ims.example"]
wwsfs = ["shop"]
"""
EPCSCFCTL = Path(sys.executable).with_name("epcscfctl")
BREAKS = " \t\n\"'@><=;|&(:"
"COMP_WORDBREAKS as bash has it."


async def offered(operator: Operator, line: str) -> list[str]:
    """Names that are offered after *line*."""
    return [item.removeprefix("plain,") for item in await operator.press_tab(line)]


@pytest_asyncio.fixture
async def provisioned(operator: Operator) -> Operator:
    await operator.run("apply", "--yes", operator.file("policy.toml", POLICY))
    return operator


OFFERED = {
    "wwsf get ": ["hall", "shop"],
    "wwsf get s": ["shop"],
    "wwsf suspend --yes ": ["hall", "shop"],
    "wwsf get x": [],
    "wwsf create ": [],
    "wwsf create new --entity wa": ["waf", "wallet"],
    "wwsf create new --entity=wal": ["wallet"],
    "wwsf check sip:a@ims.example --wwsf ": ["hall", "shop"],
    "home-domain update ": ["ims.example"],
    "entity bar ": ["waf", "wallet"],
    "subscription delete ": ["alice@ims.example"],
    "subscription get alice@": ["alice@ims.example"],
    "subscription create new@ims.example --wwsf h": ["hall"],
    "range add ": ["hall", "shop"],
    "range enable hall ": ["sip:box!.*!@ims.example", "sip:seat!.*!@ims.example"],
    "range enable hall sip:s": ["sip:seat!.*!@ims.example"],
    "range remove shop ": [],
    "range remove nobody ": [],
    "range add hall ": [],
    "revocations create --entity ": ["waf", "wallet"],
    "revocations create --issuer https://wal": ["https://wallet.example"],
    "revocations create --wwsf ": ["hall", "shop"],
    "events watch --wwsf ": ["hall", "shop"],
    "webhooks set ": ["hall", "shop"],
    "webhooks delete ": [],
    "registrations terminate --wwsf ": ["hall", "shop"],
    "waf client create ": ["hall", "shop"],
    "wwsf res": ["resume"],
}


async def test_names_of_what_there_is_are_offered(provisioned: Operator) -> None:
    assert {line: await offered(provisioned, line) for line in OFFERED} == OFFERED


async def test_who_is_registered_and_what_was_done_is_offered(provisioned: Operator) -> None:
    async with provisioned.edge() as edge:
        await edge.stands()
        await edge.stands(id="2", impi="bob@ims.example", impu="sip:bob@ims.example")
        impus = await offered(provisioned, "registrations list --impu sip:a")
        impis = await offered(provisioned, "registrations terminate --impi ")
        others = await offered(provisioned, "revocations create --impi b")
        edges = await offered(provisioned, "drain ")
        keys = await offered(provisioned, "registrations show ")
    await provisioned.run("revocations", "create", "--impi", "x@ims.example", succeed=False)
    revoked = await offered(provisioned, "revocations delete ")
    orders = await offered(provisioned, "orders show ")

    assert impus == ["sip:alice@ims.example"]
    assert (impis, others) == (["alice@ims.example", "bob@ims.example"], ["bob@ims.example"])
    assert edges == ["edge1"]
    assert len(keys) == 2
    await provisioned.run("registrations", "show", keys[0])
    await provisioned.run("revocations", "delete", *revoked)
    await provisioned.run("orders", "show", *orders, succeed=False)


async def test_decisions_are_offered_with_their_reasons(provisioned: Operator) -> None:
    question = pb.Question(
        id=1, door=pb.Door(wwsf="shop"), to="sip:b@ims.example", authorization="Bearer x"
    )
    decision = (await provisioned.ask(question)).decision_id

    assert await provisioned.press_tab("explain ", "zsh") == ["plain", decision, "token_malformed"]


SILENT = {
    "a socket that is not there": "--socket {folder}/nothing.sock",
    "a server that says nothing": "--socket {folder}/silent.sock",
    "a host that is not there": "--target 127.0.0.1:1 --ca {pem} --cert {pem} --key {pem}",
    "a host, and no certificate": "--target 127.0.0.1:1",
    "a host, and files that are not there": "--target 127.0.0.1:1 --ca /no --cert /no --key /no",
}


@pytest.mark.parametrize("case", SILENT)
async def test_without_an_answer_nothing_is_offered_and_nothing_said(case: str) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="epcscf") as folder,
        socket.socket(socket.AF_UNIX) as silent,
    ):
        silent.bind(f"{folder}/silent.sock")
        silent.listen()
        pem = Path(folder) / "pem"
        pem.write_text("no certificate")
        options = SILENT[case].format(folder=folder, pem=pem)

        async with asyncio.timeout(10 * PATIENCE):
            assert await press_tab(f"{options} wwsf get ") == []


async def test_a_list_that_takes_too_long_is_not_offered_in_part(
    provisioned: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "PATIENCE", 0.0)

    assert await offered(provisioned, "wwsf get ") == []


REPLIES = {
    "wwsf get s": "shop",
    "subscription get alice@i": "ims.example",
    "subscription get ali": "alice@ims.example",
    "subscription get --etag=x alice@ims": "ims.example",
    "revocations create --issuer=https://wal": "//wallet.example",
    "range enable hall sip:sea": r"seat\!.\*\!@ims.example",
    r"range enable hall sip:seat\!.\*\!@": "ims.example",
    "range enable hall 'sip:sea": "sip:seat!.*!@ims.example",
    "wwsf get shop ": "",
}
"What bash is to put in place of the line's end after its last break."


async def test_bash_goes_on_behind_the_last_break(provisioned: Operator) -> None:
    script = provisioned.file("script", (await provisioned.run_bare("completion", "bash")).stdout)
    text = [f"source {script}", f"COMP_WORDBREAKS={shlex.quote(BREAKS)}"]
    for line in REPLIES:
        whole = f"epcscfctl --socket {provisioned.directory}/admin.sock {line}"
        text += [
            f"COMP_LINE={shlex.quote(whole)} COMP_POINT={len(whole)}",
            f"_epcscfctl_completion {EPCSCFCTL}",
            'echo "${COMPREPLY[*]}"',
        ]

    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "--norc", "-c", "\n".join(text)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert dict(zip(REPLIES, done.stdout.splitlines(), strict=True)) == REPLIES
    assert done.stderr == ""
