"""A range of a policy file, from `apply` to the verdict that an edge hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from epcscf.control.v1 import control_pb2 as pb
from lab.issuer import Issuer


if TYPE_CHECKING:
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


async def verdict_on(operator: Operator, impu: str) -> pb.Verdict:
    """Apply the policy and ask about a guest who registers *impu*."""
    issuer = Issuer("https://guests.hotel.example", "hotel")
    jwks = issuer.write_jwks(operator.directory / "jwks.json")
    await operator.run("apply", "--yes", operator.file("policy.toml", POLICY.format(jwks=jwks)))
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
