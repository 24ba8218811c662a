"""The policies under `examples/`: each can be applied, and does what its comments say."""

from __future__ import annotations

import tomllib

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from epcscf.control.v1 import control_pb2 as pb
from epcscfd.domain.policy import Credentials
from lab.issuer import Issuer


if TYPE_CHECKING:
    from tests.ctl.conftest import Operator

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_examples_are_policies(operator: Operator, example: Path) -> None:
    await operator.run("apply", "--yes", str(example))
    policy = operator.sidecar.board.current()
    again = await operator.run("apply", str(example))

    assert again.stdout == "nothing to do: the policy is as the file says\n"
    assert operator.sidecar.board.current() is policy
    assert policy.wwsfs
    assert policy.entities
    assert policy.domains


async def test_examples_go_together(operator: Operator) -> None:
    for example in EXAMPLES:
        await operator.run("apply", "--yes", str(example))

    wwsfs = operator.sidecar.board.current().wwsfs
    assert wwsfs.keys() == {wwsf for example in EXAMPLES for wwsf in table_of(example, "wwsfs")}


def table_of(example: Path, name: str) -> dict[str, Any]:
    """A table of an example, as it was written."""
    table: dict[str, Any] = tomllib.loads(example.read_text())[name]
    return table


async def test_examples_say_in_which_ways_wwsfs_differ(operator: Operator) -> None:
    for example in EXAMPLES:
        await operator.run("apply", "--yes", str(example))

    wwsfs = operator.sidecar.board.current().wwsfs.values()
    assert {wwsf.credentials for wwsf in wwsfs} == set(Credentials)
    assert {each.enabled for wwsf in wwsfs for each in wwsf.ranges} == {True, False}
    assert {bool(wwsf.pool) for wwsf in wwsfs} == {True, False}


async def login_of(operator: Operator, brand: str) -> Issuer:
    """Apply the example of two brands, with the keys of this login of one of them."""
    issuer = Issuer(f"https://login.{brand}.example", brand)
    jwks = issuer.write_jwks(operator.directory / "jwks.json")
    await operator.run("apply", "--yes", str(EXAMPLES[0].with_name("two-home-domains.toml")))
    await operator.run("entity", "update", brand, "--jwks-file", str(jwks))
    return issuer


@pytest.mark.parametrize(
    ("brand", "impu", "domain"),
    [
        ("blue", "sip:alice@ims.blue.example", ("sip:ims.blue.example", 1, "blue.example")),
        ("blue", "tel:+49891", ("sip:ims.blue.example", 1, "blue.example")),
        ("green", "tel:+4312", ("sip:ims.green.example", 2, "green.example")),
    ],
)
async def test_two_brands_have_realms_and_next_hops_of_their_own(
    operator: Operator, brand: str, impu: str, domain: tuple[str, int, str]
) -> None:
    issuer = await login_of(operator, brand)
    token = issuer.token(f"alice@ims.{brand}.example", [impu], aud="epcscf.ims.example")
    verdict = await operator.ask(
        pb.Question(id=1, door=pb.Door(wwsf=brand), to=impu, authorization=f"Bearer {token}")
    )

    uri, next_hop_set, realm = domain
    assert (verdict.forward.request_uri, verdict.forward.next_hop_set) == (uri, next_hop_set)
    assert f'realm="{realm}"' in verdict.forward.authorization
    assert verdict.forward.visited_network_id == f'"ims.{brand}.example"'


@pytest.mark.req("S003-10", "S003-11")
async def test_one_brands_login_says_nothing_about_the_others_users(operator: Operator) -> None:
    issuer = await login_of(operator, "blue")
    token = issuer.token("carol@ims.green.example", aud="epcscf.ims.example")
    door, to = pb.Door(wwsf="blue"), "sip:carol@ims.green.example"
    verdict = await operator.ask(
        pb.Question(id=1, door=door, to=to, authorization=f"Bearer {token}")
    )
    explained = await operator.run("explain", verdict.decision_id)

    assert verdict.refuse.status == 403
    assert explained.stdout.startswith("refused: identity_not_owned\n")
