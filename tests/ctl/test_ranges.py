"""A range of a policy file, from `apply` to the verdict that an edge hears."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING

import pytest

from epcscf.control.v1 import control_pb2 as pb
from lab.issuer import Issuer


if TYPE_CHECKING:
    from click.testing import Result

    from tests.ctl.conftest import Operator

POLICY = """
[home_domains."ims.example"]

[authorization_entities.hotels]
issuer = "https://guests.hotel.example"
location = "third-party"
entity_id = "waf.hotel.example"
keys.jwks_file = "{jwks}"
algorithms = ["ES256"]

[wwsfs.hotel]
origins = ["https://guests.hotel.example"]
authorization_entities = ["hotels"]

[[wwsfs.hotel.ranges]]
range = "sip:room-!.*!@ims.example"
mode = "static"
enabled = true

[[wwsfs.hotel.ranges]]
range = "sip:suite-!.*!@ims.example"
"""


async def apply_policy(operator: Operator) -> Issuer:
    """Apply the policy; give the issuer of the hotel's tokens."""
    issuer = Issuer("https://guests.hotel.example", "hotel")
    jwks = issuer.write_jwks(operator.directory / "jwks.json")
    await operator.run("apply", "--yes", operator.file("policy.toml", POLICY.format(jwks=jwks)))
    return issuer


async def verdict_on(operator: Operator, impu: str) -> pb.Verdict:
    """Apply the policy and ask about a guest who registers *impu*."""
    issuer = await apply_policy(operator)
    token = issuer.token("guest17@hotel.example", [impu], aud="epcscf.ims.example")
    door = pb.Door(wwsf="hotel")
    return await operator.ask(
        pb.Question(id=7, door=door, to=impu, authorization=f"Bearer {token}")
    )


@pytest.mark.req("S001-25", "S001-27")
async def test_a_guest_out_of_an_enabled_range_is_accepted_at_the_edge(
    operator: Operator,
) -> None:
    verdict = await verdict_on(operator, "sip:room-17@ims.example")

    assert verdict.WhichOneof("ending") == "accept"
    assert (verdict.accept.impi, verdict.accept.impu) == (
        "guest17@hotel.example",
        "sip:room-17@ims.example",
    )
    assert verdict.accept.associated_uri == "<sip:room-17@ims.example>"
    assert verdict.stamp.scope == "hotel/hotels"
    assert verdict.revision == operator.sidecar.board.current().revision
    assert 0 < verdict.keep_seconds <= 900


@pytest.mark.req("S001-24", "S001-27")
@pytest.mark.parametrize(
    ("impu", "reason"),
    [
        ("sip:suite-17@ims.example", "range_not_enabled"),
        ("sip:lobby@ims.example", "identity_outside_ranges"),
    ],
)
async def test_a_guest_out_of_no_enabled_range_is_refused(
    operator: Operator, impu: str, reason: str
) -> None:
    verdict = await verdict_on(operator, impu)
    explained = await operator.run("explain", verdict.decision_id)

    assert verdict.refuse.status == 403
    assert explained.stdout.startswith(f"refused: {reason}\n")


def lines(result: Result) -> list[str]:
    return [line.rstrip() for line in result.stdout.splitlines()]


async def test_ranges_are_listed(operator: Operator) -> None:
    await apply_policy(operator)
    await operator.run("wwsf", "create", "other")

    listed = await operator.run("range", "list")
    of_other = await operator.run("--output", "json", "range", "list", "other")

    assert lines(listed) == [
        "range                       wwsf   mode    enabled",
        "sip:room-!.*!@ims.example   hotel  static  yes",
        "sip:suite-!.*!@ims.example  hotel  static  no",
    ]
    assert json.loads(of_other.stdout) == []


async def test_ranges_are_managed_one_by_one(operator: Operator) -> None:
    await apply_policy(operator)
    room, lobby = "sip:room-!.*!@ims.example", "sip:lobby@ims.example"

    await operator.run("range", "add", "hotel", "sip:lobby@IMS.example", "--enable")
    await operator.run("range", "disable", "hotel", room, typed="y\n")
    await operator.run("range", "enable", "hotel", "sip:suite-!.*!@ims.example")
    await operator.run("range", "remove", "hotel", lobby, typed="n\n", succeed=False)
    assert await ranges(operator) == {room: False, lobby: True, "sip:suite-!.*!@ims.example": True}
    await operator.run("range", "remove", "hotel", lobby, "--yes")
    assert await ranges(operator) == {room: False, "sip:suite-!.*!@ims.example": True}


async def ranges(operator: Operator) -> dict[str, bool]:
    listed = await operator.run("--output", "json", "range", "list", "hotel")
    return {each["range"]: each.get("enabled", False) for each in json.loads(listed.stdout)}


async def test_a_range_that_is_not_there_is_named_with_those_that_are(operator: Operator) -> None:
    await apply_policy(operator)

    refused = await operator.run("range", "enable", "hotel", "sip:x!.*!@d", succeed=False)

    assert refused.exit_code == 3
    assert "sip:room-!.*!@ims.example, sip:suite-!.*!@ims.example" in refused.stderr


async def test_the_last_range_is_not_taken_away_by_mistake(operator: Operator) -> None:
    await apply_policy(operator)
    await operator.run("range", "remove", "hotel", "sip:room-!.*!@ims.example", "--yes")
    last = ("range", "remove", "hotel", "sip:suite-!.*!@ims.example", "--yes")

    refused = await operator.run(*last, succeed=False)
    await operator.run("wwsf", "update", "hotel", "--proof-required")
    await operator.run(*last)

    assert "could vouch for every subscriber" in refused.stderr
    assert await ranges(operator) == {}


async def test_check_tells_whose_an_identity_is(operator: Operator) -> None:
    await apply_policy(operator)
    await operator.run("wwsf", "create", "other")

    owned = await operator.run("wwsf", "check", "sip:room-17@IMS.example")
    disabled = await operator.run("wwsf", "check", "sip:suite-1@ims.example")
    foreign = await operator.run("wwsf", "check", "sip:room-17@ims.example", "--wwsf", "other")
    nobodys = await operator.run("wwsf", "check", "tel:+49-89-1")

    assert lines(owned) == [
        "sip:room-17@ims.example",
        "proven for wwsfs/hotel",
        "record  in           entry                      wwsfs",
        "range   wwsfs/hotel  sip:room-!.*!@ims.example  wwsfs/hotel",
    ]
    assert lines(disabled)[1] == "proven for wwsfs/hotel, refused: range_not_enabled"
    assert lines(disabled)[3].endswith("sip:suite-!.*!@ims.example (not enabled)  wwsfs/hotel")
    assert lines(foreign)[1] == "foreign for wwsfs/other, refused: identity_not_owned"
    assert lines(nobodys)[0] == "tel:+49891"
    assert lines(nobodys)[1].startswith("nobody here claims it")


async def test_check_answers_programs_and_refuses_what_is_no_identity(operator: Operator) -> None:
    await apply_policy(operator)
    words = ("wwsf", "check", "sip:room-17@ims.example", "--impi", "guest@hotel.example")

    answer = json.loads((await operator.run("--output", "json", *words)).stdout)
    wrong = await operator.run("wwsf", "check", "room-17", succeed=False)
    unknown = await operator.run(*words, "--wwsf", "nobody", succeed=False)

    assert answer["standings"] == [{"wwsf": "wwsfs/hotel", "ownership": "PROVEN"}]
    assert answer["records"] == [
        {
            "kind": "RANGE",
            "name": "wwsfs/hotel",
            "entry": "sip:room-!.*!@ims.example",
            "wwsfs": ["wwsfs/hotel"],
            "enabled": True,
        }
    ]
    assert (wrong.exit_code, unknown.exit_code) == (5, 3)
