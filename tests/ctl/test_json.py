"""Whatever is asked for programs is answered in JSON, or not at all."""

from __future__ import annotations

import json

from typing import TYPE_CHECKING

from tests.ctl.test_resources import ENTITY, WWSF


if TYPE_CHECKING:
    from tests.ctl.conftest import Operator

POLICY = """
[home_domains."home2.net"]

[wwsfs.inn]
origins = ["https://inn.example"]
"""


async def test_every_command_speaks_json(operator: Operator) -> None:
    policy = operator.file("policy.toml", POLICY)
    subscription = ("subscription", "create", "a@home1.net", "--impu", "sip:a@home1.net")
    words = [
        ("home-domain", "create", "home1.net"),
        ENTITY,
        WWSF,
        (*subscription, "--wwsf", "shop"),
        *((group, "list") for group in ("home-domain", "entity", "wwsf", "subscription")),
        ("home-domain", "get", "home1.net"),
        ("wwsf", "check", "sip:a@home1.net", "--impi", "a@home1.net"),
        ("range", "add", "shop", "sip:room!.*!@home1.net"),
        ("range", "enable", "shop", "sip:room!.*!@home1.net"),
        ("range", "list"),
        ("apply", "--dry-run", policy),
        ("apply", "--yes", policy),
        ("wwsf", "suspend", "shop", "--yes"),
        ("wwsf", "resume", "shop"),
        ("entity", "bar", "waf", "--yes"),
        ("entity", "unbar", "waf"),
        ("registrations", "list"),
        ("registrations", "terminate", "--impi", "a@home1.net", "--yes"),
        ("revocations", "create", "--impi", "a@home1.net"),
        ("revocations", "list"),
        ("edges", "list"),
        ("orders", "list"),
        ("webhooks", "list"),
        ("webhooks", "dead"),
        ("decisions", "list"),
        ("status",),
        ("range", "remove", "shop", "sip:room!.*!@home1.net", "--yes"),
        ("subscription", "delete", "a@home1.net", "--yes"),
    ]
    spoken = {each: (await operator.run("--output", "json", *each)).stdout for each in words}

    assert {each: text for each, text in spoken.items() if text and not is_json(text)} == {}


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
