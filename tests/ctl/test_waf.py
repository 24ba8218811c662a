"""`epcscfctl waf`, at a sidecar on the WAF's database."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from lab.issuer import Issuer
from tests.ctl.conftest import operating


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.ctl.conftest import Operator


@pytest_asyncio.fixture
async def office(migrated: Path, tmp_path: Path) -> AsyncIterator[Operator]:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * 48)
    waf = {
        "issuer": "https://waf.ims.example",
        "epcscf_uri": "wss://epcscf.ims.example",
        "secret_file": str(secret),
    }
    async with operating(migrated, waf=waf) as operator:
        await operator.run("wwsf", "create", "shop", "--origin", "https://shop.example")
        yield operator


async def said(office: Operator, *words: str) -> Any:
    return json.loads((await office.run("--output", "json", "waf", *words)).stdout)


async def test_a_client_is_made_changed_and_shown(office: Operator) -> None:
    jwks = office.file("shop.jwks", Issuer("https://shop.example", "shop").jwks())
    grants = ("--grant-type", "jwt-bearer", "--grant-type", "client-credentials")
    signs = ("--authentication", "private-key-jwt", "--jwks-file", jwks)
    await office.run("waf", "client", "create", "shop", *grants, *signs)
    await office.run("waf", "client", "update", "shop", "--token-life", "300", "--anonymous")
    shown = await said(office, "client", "get", "shop")
    listed = await office.run("waf", "client", "list")

    assert shown["grant_types"] == ["CLIENT_CREDENTIALS", "JWT_BEARER"]
    assert (shown["token_life_seconds"], shown["anonymous"]) == (300, True)
    assert "ES256" in shown["jwks"]
    assert "PRIVATE_KEY_JWT" in listed.stdout


async def test_a_secret_is_printed_and_nothing_else(office: Operator) -> None:
    await office.run("waf", "client", "create", "shop")
    first = await office.run("waf", "client", "secret", "shop")
    second = await said(office, "client", "secret", "shop", "--keep-others", "60")
    nobody = await office.run("waf", "client", "secret", "nobody", succeed=False)

    assert len(first.stdout.split()) == 1
    assert list(second) == ["secret"]
    assert nobody.exit_code == 3


async def test_a_user_has_an_account_and_a_password_that_is_typed_or_piped(
    office: Operator,
) -> None:
    await office.run("waf", "account", "create", "a@ims.example", "--impu", "sip:a@ims.example")
    await office.run("waf", "user", "create", "alice", "--account", "a@ims.example")
    await office.run("waf", "user", "password", "alice", typed="correct horse\ncorrect horse\n")
    await office.run("waf", "user", "password", "alice", "--stdin", typed="correct horse\n")
    short = await office.run(
        "waf", "user", "password", "alice", "--stdin", typed="x\n", succeed=False
    )
    await office.run("waf", "user", "lock", "alice", "--yes")

    shown = await said(office, "user", "get", "alice")
    assert (shown["account"], shown["state"]) == ("wafAccounts/a@ims.example", "LOCKED")
    assert short.exit_code == 5
    assert "correct horse" not in short.output


async def test_keys_are_listed_rotated_and_dropped(office: Operator) -> None:
    (first,) = await said(office, "key", "list")
    (second,) = await said(office, "key", "rotate")
    listed = await office.run("waf", "key", "list")
    kid = first["name"].removeprefix("wafKeys/")
    await office.run("waf", "key", "drop", kid, typed="n\n", succeed=False)
    await office.run("waf", "key", "drop", kid, "--yes")

    assert second["sign_time"] > first["sign_time"]
    assert kid in listed.stdout
    assert kid not in (await office.run("waf", "key", "list")).stdout


async def test_without_a_waf_in_the_settings_there_is_nothing_to_manage(
    operator: Operator,
) -> None:
    refused = await operator.run("waf", "client", "list", succeed=False)

    assert refused.exit_code != 0
    assert "Traceback" not in refused.output


@pytest.mark.parametrize("group", ["client", "account", "user", "key"])
async def test_every_group_says_what_it_is_for(office: Operator, group: str) -> None:
    told = await office.run("waf", group, "--help")

    assert "Manage" in told.stdout


async def test_names_are_offered(office: Operator) -> None:
    await office.run("waf", "client", "create", "shop", "--grant-type", "client-credentials")
    await office.run("waf", "account", "create", "v1@ims.example", "--impu", "sip:v1@ims.example")
    await office.run("waf", "user", "create", "alice", "--account", "v1@ims.example")
    lines = {
        "waf client secret ": ["shop"],
        "waf account get v": ["v1@ims.example"],
        "waf user create bob --account ": ["v1@ims.example"],
        "waf user password ": ["alice"],
        "waf user lock --yes ": ["alice"],
    }
    (key,) = await said(office, "key", "list")

    for line, expected in lines.items():
        assert await office.press_tab(line) == [f"plain,{name}" for name in expected]
    kid = key["name"].removeprefix("wafKeys/")
    assert await office.press_tab("waf key drop ") == [f"plain,{kid}"]
