"""Resources one by one, from flags and from files."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING, Any

import pytest


if TYPE_CHECKING:
    from tests.ctl.conftest import Operator

ENTITY = (
    *("entity", "create", "waf", "--issuer", "https://waf.home1.net", "--location", "operator"),
    *("--jwks-url", "https://waf.home1.net/jwks", "--algorithm", "ES256", "--algorithm", "EdDSA"),
)
WWSF = (
    *("wwsf", "create", "shop", "--origin", "https://b.example", "--origin", "https://a.example"),
    *("--entity", "waf", "--pool-realm", "pool.example", "--proof-required"),
)


async def get(operator: Operator, group: str, key: str) -> dict[str, Any]:
    result = await operator.run("--output", "json", group, "get", key)
    fields: dict[str, Any] = json.loads(result.stdout)
    return fields


async def test_what_flags_say_is_made(operator: Operator) -> None:
    await operator.run(*ENTITY)
    await operator.run(*WWSF)

    entity = await get(operator, "entity", "waf")
    wwsf = await get(operator, "wwsf", "shop")
    assert entity["keys"] == {"jwks_url": "https://waf.home1.net/jwks"}
    assert entity["algorithms"] == ["ES256", "EdDSA"]
    assert entity["location"] == "OPERATOR"
    assert wwsf["origins"] == ["https://a.example", "https://b.example"]
    assert wwsf["authorization_entities"] == ["authorizationEntities/waf"]
    assert wwsf["pool"] == {"impi_realms": ["pool.example"]}
    assert wwsf["proof_required"] is True


async def test_one_resource_is_shown_field_by_field(operator: Operator) -> None:
    created = await operator.run(
        "home-domain", "create", "home1.net", "--display-name", "Home [red]One"
    )
    shown = await operator.run("home-domain", "get", "home1.net")

    lines = [line.split(maxsplit=1) for line in shown.stdout.splitlines()]
    assert created.stdout == shown.stdout
    assert [[part.rstrip() for part in line] for line in lines][:-1] == [
        ["name", "homeDomains/home1.net"],
        ["display_name", "Home [red]One"],
        ["realm", "home1.net"],
        ["visited_network_id", "home1.net"],
        ["next_hop_set", "1"],
    ]
    assert lines[-1][0] == "etag"


async def test_a_list_has_a_line_for_each(operator: Operator) -> None:
    await operator.run("home-domain", "create", "home2.net", "--realm", "ims.home2.net")
    await operator.run("home-domain", "create", "home1.net", "--next-hop-set", "7")

    listed = await operator.run("home-domain", "list")

    assert [line.rstrip() for line in listed.stdout.splitlines()] == [
        "name       realm          visited_network_id  next_hop_set  display_name",
        "home1.net  home1.net      home1.net           7",
        "home2.net  ims.home2.net  home2.net           1",
    ]


async def test_a_list_for_programs_is_json(operator: Operator) -> None:
    await operator.run("home-domain", "create", "home1.net")

    listed = json.loads((await operator.run("--output", "json", "home-domain", "list")).stdout)

    assert [domain["name"] for domain in listed] == ["homeDomains/home1.net"]


async def test_flags_change_what_they_name_and_nothing_else(operator: Operator) -> None:
    await operator.run(*ENTITY)
    await operator.run(*WWSF)

    await operator.run("wwsf", "update", "shop", "--origin", "https://c.example")
    await operator.run("wwsf", "update", "shop", "--no-proof-required")

    wwsf = await get(operator, "wwsf", "shop")
    assert wwsf["origins"] == ["https://c.example"]
    assert wwsf["pool"] == {"impi_realms": ["pool.example"]}
    assert "proof_required" not in wwsf


@pytest.mark.parametrize(("name", "text"), [
    ("domain.toml", 'realm = "ims.home1.net"\nnext_hop_set = 3\n'),
    ("domain.json", '{"realm": "ims.home1.net", "next_hop_set": 3}'),
])  # fmt: skip
async def test_a_file_says_all_of_it(operator: Operator, name: str, text: str) -> None:
    await operator.run("home-domain", "create", "home1.net", "--display-name", "Home One")

    await operator.run("home-domain", "update", "home1.net", "--file", operator.file(name, text))

    domain = await get(operator, "home-domain", "home1.net")
    assert (domain["realm"], domain["next_hop_set"]) == ("ims.home1.net", 3)
    assert "display_name" not in domain


async def test_flags_go_before_the_file_they_come_with(operator: Operator) -> None:
    file = operator.file("domain.toml", 'realm = "ims.home1.net"\nnext_hop_set = 3\n')

    await operator.run("home-domain", "create", "home1.net", "-f", file, "--next-hop-set", "4")

    domain = await get(operator, "home-domain", "home1.net")
    assert (domain["realm"], domain["next_hop_set"]) == ("ims.home1.net", 4)


async def test_a_dry_run_answers_and_changes_nothing(operator: Operator) -> None:
    answer = await operator.run("home-domain", "create", "home1.net", "--dry-run")
    listed = await operator.run("--output", "json", "home-domain", "list")

    assert "homeDomains/home1.net" in answer.stdout
    assert json.loads(listed.stdout) == []


@pytest.mark.parametrize(
    ("group", "key", "cut", "back", "states"),
    [
        ("entity", "waf", "bar", "unbar", ("BARRED", "ACTIVE")),
        ("wwsf", "shop", "suspend", "resume", ("SUSPENDED", "ACTIVE")),
    ],
)
async def test_partners_are_cut_off_and_let_in_again_in_one_word(
    operator: Operator, group: str, key: str, cut: str, back: str, states: tuple[str, str]
) -> None:
    await operator.run(*ENTITY)
    await operator.run(*WWSF)
    before = await get(operator, group, key)

    for words, state in (((cut, key, "--yes"), states[0]), ((back, key), states[1])):
        await operator.run(group, *words)
        await operator.run(group, *words)
        resource = await get(operator, group, key)
        assert resource["state"] == state
        assert without_times(resource) == without_times(before) | {"state": state}


def without_times(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in fields.keys() - {"etag", "update_time"}}


@pytest.mark.parametrize("words", [("entity", "bar", "waf"), ("wwsf", "suspend", "shop")])
async def test_cutting_off_asks_first(operator: Operator, words: tuple[str, str, str]) -> None:
    await operator.run(*ENTITY)
    await operator.run(*WWSF)
    group, _, key = words

    await operator.run(*words, typed="n\n", succeed=False)
    assert (await get(operator, group, key))["state"] == "ACTIVE"
    await operator.run(*words, typed="y\n")
    assert (await get(operator, group, key))["state"] != "ACTIVE"


async def test_cutting_off_can_insist_on_what_was_read(operator: Operator) -> None:
    await operator.run(*ENTITY)
    etag = (await get(operator, "entity", "waf"))["etag"]
    await operator.run("entity", "update", "waf", "--display-name", "Login")

    await operator.run("entity", "bar", "waf", "--yes", "--etag", etag, succeed=False)

    assert (await get(operator, "entity", "waf"))["state"] == "ACTIVE"


async def test_credentials_and_quota_have_flags(operator: Operator) -> None:
    await operator.run(*ENTITY)
    await operator.run(*WWSF, "--credentials", "token-or-digest", "--max-registrations", "500")
    await operator.run("wwsf", "update", "shop", "--max-first-sights", "20")
    await operator.run("wwsf", "update", "shop", "--token-in-every-request")

    wwsf = await get(operator, "wwsf", "shop")
    assert wwsf["token_in_every_request"] is True
    assert wwsf["credentials"] == "TOKEN_OR_DIGEST"
    assert wwsf["quota"] == {"max_registrations": 500, "max_first_sights": 20}


async def test_deleting_asks_first(operator: Operator) -> None:
    await operator.run("home-domain", "create", "home1.net")

    await operator.run("home-domain", "delete", "home1.net", typed="n\n", succeed=False)
    assert await get(operator, "home-domain", "home1.net")
    await operator.run("home-domain", "delete", "home1.net", typed="y\n")
    await operator.run("home-domain", "get", "home1.net", succeed=False)


async def test_deleting_can_insist_on_what_was_read(operator: Operator) -> None:
    await operator.run("home-domain", "create", "home1.net")
    etag = (await get(operator, "home-domain", "home1.net"))["etag"]
    await operator.run("home-domain", "update", "home1.net", "--next-hop-set", "2")

    refused = await operator.run_bare(
        *("--socket", f"{operator.directory}/admin.sock"),
        *("home-domain", "delete", "home1.net", "--yes", "--etag", etag),
    )

    assert refused.exit_code == 4


async def test_keys_are_read_from_a_file_beside_the_operator(operator: Operator) -> None:
    file = operator.file("waf.pem", "no key at all")

    refused = await operator.run(
        *("entity", "create", "waf", "--issuer", "https://waf.home1.net"),
        *("--location", "third-party", "--entity-id", "waf", "--algorithm", "ES256"),
        *("--pem-file", file),
        succeed=False,
    )

    assert "keys.pem" in refused.output


ASKED = (
    *("entity", "create", "asked", "--issuer", "https://asked.example", "--location"),
    *("third-party", "--entity-id", "waf.asked.example"),
    *("--introspection-url", "https://asked.example/introspect"),
    *("--introspection-client-id", "epcscf", "--introspection-credential", "asked"),
)


async def test_an_entity_without_keys_is_asked_about_every_token(operator: Operator) -> None:
    await operator.run(*ASKED, "--introspection-authentication", "private-key-jwt")

    entity = await get(operator, "entity", "asked")
    assert "keys" not in entity
    assert entity["introspection"] == {
        "url": "https://asked.example/introspect",
        "client_id": "epcscf",
        "authentication": "PRIVATE_KEY_JWT",
        "credential": "asked",
        "ttl_seconds": 60,
        "negative_ttl_seconds": 5,
        "timeout_seconds": 4,
    }


@pytest.mark.parametrize(
    "flags",
    [
        ("--introspection-url", "http://asked.example/introspect"),
        ("--introspection-credential", "../../etc/shadow"),
        ("--introspection-ttl", "3601"),
        ("--introspection-client-id", ""),
    ],
)
async def test_what_would_ask_wrongly_is_refused(
    operator: Operator, flags: tuple[str, ...]
) -> None:
    result = await operator.run(*ASKED, *flags, succeed=False)

    assert f"introspection.{flags[0].removeprefix('--introspection-').replace('-', '_')}" in (
        result.stderr
    )
