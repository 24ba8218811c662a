"""`apply`: the policy becomes as a file says, and nothing happens that was not shown."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING

import pytest

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


if TYPE_CHECKING:
    from tests.ctl.conftest import Operator

POLICY = """
[home_domains."home1.net"]

[authorization_entities.waf]
issuer = "https://waf.home1.net"
location = "operator"
keys.jwks_url = "https://waf.home1.net/jwks"
algorithms = ["ES256"]

[wwsfs.shop]
origins = ["https://shop.example"]
authorization_entities = ["waf"]

[subscriptions."alice@home1.net"]
impus = ["tel:+49-89-123"]
wwsfs = ["shop"]
"""


async def applied(operator: Operator, text: str, *words: str) -> str:
    """Apply *text*; give what was shown."""
    result = await operator.run("apply", *words, operator.file("policy.toml", text))
    return result.stdout


async def test_what_would_change_is_shown_first(operator: Operator) -> None:
    await applied(operator, POLICY, "--yes")
    changed = POLICY.replace("https://shop.example", "https://new.example").replace(
        '[home_domains."home1.net"]', '[home_domains."home1.net"]\nnext_hop_set = 2'
    )

    shown = await applied(operator, changed + '\n[home_domains."home2.net"]\n', "--dry-run")

    assert [line.rstrip() for line in shown.splitlines()] == [
        "~ homeDomains/home1.net",
        "    - next_hop_set: 1",
        "    + next_hop_set: 2",
        "+ homeDomains/home2.net",
        "    + next_hop_set: 1",
        "    + realm: home2.net",
        "    + visited_network_id: home2.net",
        "~ wwsfs/shop",
        "    - origins: https://shop.example",
        "    + origins: https://new.example",
    ]


async def test_a_dry_run_changes_nothing(operator: Operator) -> None:
    before = operator.sidecar.board.current()

    await applied(operator, POLICY, "--dry-run")

    assert operator.sidecar.board.current() is before


async def test_another_spelling_is_no_change(operator: Operator) -> None:
    await applied(operator, POLICY, "--yes")
    spelled = POLICY.replace("tel:+49-89-123", "tel:+4989123").replace('["waf"]', (
        '["authorizationEntities/waf"]\nclient_id = "shop"'
    ))  # fmt: skip

    assert "nothing to do" in await applied(operator, spelled)


async def test_what_the_file_does_not_name_stays(operator: Operator) -> None:
    await applied(operator, POLICY, "--yes")

    assert "nothing to do" in await applied(operator, '[home_domains."home1.net"]\n')
    assert len(operator.sidecar.board.current().wwsfs) == 1


async def test_who_was_barred_by_hand_stays_barred(operator: Operator) -> None:
    await applied(operator, POLICY, "--yes")
    await operator.run("wwsf", "suspend", "shop", "--yes")
    changed = POLICY.replace("https://shop.example", "https://new.example")

    shown = await applied(operator, changed, "--yes")
    assert "state" not in shown
    listed = await operator.run("--output", "json", "wwsf", "get", "shop")
    assert json.loads(listed.stdout)["state"] == "SUSPENDED"

    resumed = changed.replace("[wwsfs.shop]", '[wwsfs.shop]\nstate = "active"')
    assert "+ state: ACTIVE" in await applied(operator, resumed, "--yes")


async def test_nothing_is_applied_unasked(operator: Operator) -> None:
    file = operator.file("policy.toml", POLICY)

    refused = await operator.run("apply", file, succeed=False)

    assert "--yes" in refused.output
    assert operator.sidecar.board.current().domains == {}


async def test_the_plan_is_there_for_programs(operator: Operator) -> None:
    await applied(operator, POLICY, "--yes")
    changed = POLICY.replace("https://shop.example", "https://new.example")
    file = operator.file("policy.toml", changed)

    result = await operator.run("--output", "json", "apply", "--dry-run", file)

    assert json.loads(result.stdout) == [
        {
            "name": "wwsfs/shop",
            "change": "update",
            "fields": {
                "origins": {"before": ["https://shop.example"], "after": ["https://new.example"]}
            },
        }
    ]


async def test_a_long_list_is_cut_short_in_the_plan(operator: Operator) -> None:
    await applied(operator, POLICY, "--yes")
    impis = [f"v{number:03}@home1.net" for number in range(100)]

    shown = await applied(
        operator, POLICY.replace('["waf"]', f'["waf"]\npool.impis = {impis}'), "--dry-run"
    )

    assert shown.count("pool.impis") == 11
    assert "+ pool.impis: … and 90 more" in shown


async def test_keys_are_read_beside_the_file(operator: Operator) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    operator.file("waf.pem", pem)
    text = POLICY.replace('keys.jwks_url = "https://waf.home1.net/jwks"', (
        'keys.pem_file = "waf.pem"'
    ))  # fmt: skip

    await applied(operator, text, "--yes")

    shown = await operator.run("--output", "json", "entity", "get", "waf")
    assert json.loads(shown.stdout)["keys"] == {"pem": pem}


RANGES = POLICY.replace(
    "[subscriptions.",
    """[[wwsfs.shop.ranges]]
range = "sip:room-!.*!@home1.net"
mode = "static"
enabled = true

[[wwsfs.shop.ranges]]
range = "tel:+49-89!.*!"

[subscriptions.""",
)


async def test_ranges_are_shown_one_by_one(operator: Operator) -> None:
    await applied(operator, RANGES, "--yes")
    changed = RANGES.replace("enabled = true", "enabled = false").replace(
        "tel:+49-89!.*!", "tel:+4989!.*!"
    )

    shown = await applied(operator, changed, "--dry-run")

    assert [line.strip() for line in shown.splitlines()] == [
        "~ wwsfs/shop",
        "- ranges: range=sip:room-!.*!@home1.net  mode=STATIC  enabled=yes",
        "+ ranges: range=sip:room-!.*!@home1.net  mode=STATIC",
    ]
    assert "nothing to do" in await applied(operator, RANGES)


@pytest.mark.req("S001-24")
async def test_ranges_that_overlap_end_the_run_with_an_example(operator: Operator) -> None:
    await applied(operator, RANGES, "--yes")
    other = """
    [wwsfs.other]
    ranges = [{ range = "sip:!.*!17@home1.net" }]
    """

    refused = await operator.run(
        "apply", "--yes", operator.file("other.toml", other), succeed=False
    )

    assert refused.exit_code == 4
    assert "'sip:!.*!17@home1.net' overlaps 'sip:room-!.*!@home1.net'" in refused.stderr
    assert "'sip:room-17@home1.net' lies in both" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


WRONG = [
    ("[home_domain.x]", "[home_domain] is none of home_domains"),
    ("[home_domains]\nx = 1", "[home_domains] must hold a table for each resource"),
    ('[wwsfs.shop]\ncolour = "red"', "wwsfs/shop: "),
    ("[wwsfs.shop]\norigins = 7", "wwsfs/shop: "),
    ('[wwsfs.shop]\nstate = "sleepy"', "wwsfs/shop: "),
    ('[wwsfs.shop]\norigins = ["https://Shop.example"]', "write 'https://shop.example'"),
    ('[wwsfs.shop]\nauthorization_entities = ["waf"]', "there is no 'authorizationEntities/waf'"),
    ('[authorization_entities.waf]\nkeys.pem_file = "nowhere.pem"', "nowhere.pem"),
    pytest.param(
        '[wwsfs.shop]\nranges = [{ range = "sip:a!(!@home1.net" }]',
        "`(` without `)`",
        marks=pytest.mark.req("S001-24"),
    ),
    pytest.param(
        '[wwsfs.shop]\nranges = [{ range = "sip:a!(b)\\\\1!@home1.net" }]',
        "is no POSIX",
        marks=pytest.mark.req("S001-24"),
    ),
    ('[wwsfs.shop]\nranges = [{ range = "sip:a!.*!@d", mode = "dynamic" }]', "wwsfs/shop: "),
    ('[wwsfs.shop]\ncredentials = "password"', "wwsfs/shop: "),
    pytest.param(
        '[authorization_entities.waf]\nissuer = "https://waf.home1.net"',
        "location: must be",
        marks=pytest.mark.req("S000-1"),
    ),
    ("[wwsfs", "policy.toml: "),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
async def test_a_wrong_file_changes_nothing(operator: Operator, text: str, expected: str) -> None:
    before = operator.sidecar.board.current()
    good = '[home_domains."home1.net"]\n'

    refused = await operator.run(
        "apply", "--yes", operator.file("policy.toml", good + text), succeed=False
    )

    assert expected in refused.output
    assert refused.exit_code == 5
    assert len(refused.stderr.splitlines()) == 1
    assert operator.sidecar.board.current() is before
