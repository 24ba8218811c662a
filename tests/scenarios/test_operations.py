"""The steps in docs/operations.md do what they say."""

from __future__ import annotations

import re
import shlex

import pytest

from lab.edge import ROOT
from lab.issuer import Issuer
from lab.wic import Wic


SHOP = "https://shop.example"
CUSTOMER = "sip:shop-42@ims.example"


def steps(heading):
    """Return the commands of the only shell block under *heading*."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.partition(f"### {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = block.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@pytest.fixture
def shop(lab):
    """The shop's authorization server."""
    issuer = Issuer("https://login.shop.example", "shop")
    yield issuer
    lab.sidecar.ctl("wwsf", "delete", "shop", "--yes")
    lab.sidecar.ctl("entity", "delete", "shop-waf", "--yes")


async def test_a_second_wwsf_is_added_and_its_customer_registers(lab, shop, tmp_path):
    jwks = shop.write_jwks(tmp_path / "shop.jwks")
    said = ""
    for step in steps("A second WWSF, step by step"):
        words = shlex.split(step.replace("JWKS", str(jwks)).replace("SOCKET", "-"))
        assert words[:3] == ["epcscfctl", "--socket", "-"]
        said = lab.sidecar.ctl(*words[3:])
    lab.edge.wait_until(
        lambda: lab.edge.row("ep_origin", SHOP) == "shop", seconds=5, what="the shop's origin"
    )
    assert "shop" in said
    assert "proven" in said

    token = shop.token("customer42@shop.example", [CUSTOMER])
    async with await Wic.connect(lab.url, origin=SHOP, ssl=lab.trust()) as wic:
        reply = await wic.register(CUSTOMER, f"Bearer {token}")

    assert reply.status == 200
    assert reply.one("P-Associated-URI") == f"<{CUSTOMER}>"
