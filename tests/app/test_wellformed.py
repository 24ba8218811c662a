"""What may become policy, and what is refused and how it is spelled right."""

from __future__ import annotations

from typing import Any

import pytest

from epcscfd.app.wellformed import ALGORITHMS, check_change, check_resource
from epcscfd.domain.policy import JwksFile, JwksUrl, WwsfId
from epcscfd.domain.ranges import RangeMode
from epcscfd.errors import InvalidArgument
from epcscfd.tokens.keys import ASYMMETRIC
from tests.builders import (
    a_block,
    a_domain,
    a_range,
    a_subscription,
    a_wwsf,
    a_wwsf_with_block,
    an_entity,
)


GOOD_ORIGINS = [
    "https://shop.example",
    "https://shop.example:8443",
    "https://xn--bcher-kva.example",
    "https://192.0.2.7",
    "https://[2001:db8::7]:8443",
    "http://localhost:8080",
    "http://127.0.0.1",
    "http://[::1]:8080",
]

BAD_ORIGINS = [
    ("http://shop.example", "not https"),
    ("http://192.168.0.7", "not https"),
    ("http://127.0.0.1.evil.example", "not https"),
    ("wss://shop.example", "not https"),
    ("https://Shop.example", "write 'https://shop.example'"),
    ("HTTPS://shop.example", "write 'https://shop.example'"),
    ("https://shop.example/", "write 'https://shop.example'"),
    ("https://shop.example:443", "write 'https://shop.example'"),
    ("https://shop.example/page?x", "write 'https://shop.example'"),
    ("https://user@shop.example", "no user"),
    ("https://shop.example#x", "no fragment"),
    ("https://", "no URL"),
    ("shop.example", "no URL"),
    ("https://shop.example:0", "no URL"),
    ("https://shop.example:99999", "no URL"),
    ("https://[::1", "no URL"),
    ("https://bücher.example", "no URL"),
    ("https://shop.example\r\nX: y", "no URL"),
    ("https://shop .example", "no URL"),
    ("null", "no URL"),
    ("*", "no URL"),
    ("", "no URL"),
    ("https://" + "a." * 1100 + "example", "no URL"),
]


@pytest.mark.parametrize("origin", GOOD_ORIGINS)
def test_an_origin_as_browsers_write_it_is_taken(origin: str) -> None:
    check_resource(a_wwsf(origins=[origin]))


@pytest.mark.parametrize(("origin", "why"), BAD_ORIGINS)
def test_any_other_origin_is_refused(origin: str, why: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_resource(a_wwsf(origins=[origin]))

    assert caught.value.field == "origins"
    assert why in caught.value.why


GOOD = [
    a_domain(),
    a_domain("ims.mnc001.mcc262.3gppnetwork.org", next_hop_set=2**31 - 1),
    an_entity(),
    an_entity(issuer="https://waf.home1.net/tenant/a?b=c"),
    an_entity(issuer="http://localhost:9000", keys=JwksUrl("http://127.0.0.1:9000/jwks")),
    an_entity(keys=JwksFile("/etc/epcscf/jwks.json")),
    an_entity(location="third_party", entity_id='odd "but" quotable'),
    an_entity(entity_id=""),
    an_entity(max_life=30 * 86_400),
    a_wwsf(origins=[], entities=[]),
    a_wwsf(client_certificates=["0123456789abcdef" * 4]),
    a_wwsf(pool={"impi": ["v1@home1.net"], "realms": ["pool.example"]}),
    a_wwsf(ranges=["sip:a!.*!@home1.net", "off sip:ab!.*!@home1.net", "tel:+4989"]),
    a_wwsf(ranges=[f"sip:room-{number}@home1.net" for number in range(1000)]),
    a_wwsf(quota={"max_registrations": 2**31 - 1, "max_first_sights": 2**31 - 1}),
    a_wwsf(display_name="Bücher & Söhne"),
    a_subscription(impus=["tel:+4989123456"]),
    a_subscription(impus=["sip:one!bang@home1.net"]),
]


@pytest.mark.parametrize("resource", GOOD)
def test_what_operators_write_is_taken(resource: Any) -> None:
    check_resource(resource)


BAD = [
    (a_domain("HOME1.net"), "name"),
    (a_domain("home1..net"), "name"),
    (a_domain("home1.net;lr"), "name"),
    (a_domain(""), "name"),
    (a_domain(realm="a\r\nb"), "realm"),
    (a_domain(realm=""), "realm"),
    (a_domain(visited_network_id="a\x00"), "visited_network_id"),
    (a_domain(next_hop_set=0), "next_hop_set"),
    (a_domain(next_hop_set=2**31), "next_hop_set"),
    (a_domain(display_name="a\x1b[31m"), "display_name"),
    (a_domain(display_name="x" * 256), "display_name"),
    (an_entity(id="WAF"), "name"),
    (an_entity(id="a" * 64), "name"),
    (an_entity(id="a/b"), "name"),
    (an_entity(issuer="http://waf.home1.net"), "issuer"),
    (an_entity(issuer=""), "issuer"),
    (an_entity(issuer="https://waf.home1.net#a"), "issuer"),
    (an_entity(location="third_party", entity_id=""), "entity_id"),
    (an_entity(entity_id="a\r\nb"), "entity_id"),
    (an_entity(entity_id="x" * 256), "entity_id"),
    (an_entity(keys=JwksUrl("http://waf.home1.net/jwks")), "keys.jwks_url"),
    (an_entity(keys=JwksUrl("file:///etc/passwd")), "keys.jwks_url"),
    (an_entity(keys=JwksFile("jwks.json")), "keys.jwks_file"),
    (an_entity(algorithms=[]), "algorithms"),
    (an_entity(algorithms=["none"]), "algorithms"),
    (an_entity(algorithms=["ES256", "HS256"]), "algorithms"),
    (an_entity(algorithms=["es256"]), "algorithms"),
    (an_entity(token_types=["at jwt"]), "token_types"),
    (an_entity(scope="two scopes"), "scope"),
    (an_entity(scope='a"b'), "scope"),
    (an_entity(audience="a\nb"), "audience"),
    (an_entity(claims={"impi": "\x00"}), "claim_names.impi"),
    (an_entity(max_life=30 * 86_400 + 1), "max_life_seconds"),
    (a_wwsf(id=WwsfId("shop_1")), "name"),
    (a_wwsf(client_id="a\nb"), "client_id"),
    (a_wwsf(client_certificates=["AB" * 32]), "client_certificates"),
    (a_wwsf(client_certificates=["ab" * 31]), "client_certificates"),
    (a_wwsf(pool={"impi": ["v!.*!@home1.net"]}), "pool.impis"),
    (a_wwsf(pool={"realms": ["@pool.example"]}), "pool.impi_realms"),
    (a_wwsf(pool={"realms": ["Pool.example"]}), "pool.impi_realms"),
    (a_wwsf(ranges=["sip:a!.*!@home1.net", "off sip:a!.*!@HOME1.net"]), "ranges"),
    (a_wwsf(ranges=[f"sip:room-{number}@home1.net" for number in range(1001)]), "ranges"),
    (a_wwsf(quota={"max_registrations": 2**31}), "quota.max_registrations"),
    (a_wwsf(quota={"max_first_sights": 2**31}), "quota.max_first_sights"),
    (a_subscription(impi="v!.*!@home1.net"), "name"),
    (a_subscription(impus=[]), "impus"),
    (a_subscription(impus=["sip:wic!.*!@home1.net"]), "impus"),
]


@pytest.mark.parametrize(("resource", "field"), BAD)
def test_what_could_break_something_is_refused_by_field(resource: Any, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_resource(resource)

    assert caught.value.field == field


def test_what_may_be_provisioned_is_what_the_verifier_can_do() -> None:
    assert ALGORITHMS == ASYMMETRIC


RANGED = a_wwsf(ranges=["sip:a!.*!@home1.net"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (RANGED, a_wwsf(ranges=["sip:b!.*!@home1.net"])),
        (RANGED, a_wwsf(proof_required=True)),
        (RANGED, a_wwsf(pool={})),
        (a_wwsf(), a_wwsf()),
        (a_wwsf(), RANGED),
        (a_domain(), a_domain()),
    ],
)
def test_an_edit_that_lets_nobody_loose_is_taken(before: Any, after: Any) -> None:
    check_change(before, after)


def test_an_edit_that_would_let_loose_whoever_was_confined_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_change(RANGED, a_wwsf())

    assert caught.value.field == "ranges"


IN_BLOCK = a_range(enabled=False, mode=RangeMode.BLOCK)
BAD_BLOCKS = [
    (a_wwsf_with_block(ranges=[]), "ranges", "needs one"),
    (a_wwsf_with_block(ranges=["sip:wic!.*!@home1.net"]), "ranges", "needs one"),
    (a_wwsf_with_block(block=None), "ranges", "there is none"),
    (a_wwsf_with_block(ranges=[a_range(mode=RangeMode.BLOCK)]), "ranges", "enabled by"),
    (a_wwsf_with_block(block=a_block(pilot="tel:+4989")), "block.pilot", "sip: URI"),
    (a_wwsf_with_block(block=a_block(pilot="sip:!.*!@home1.net")), "block.pilot", "a pattern"),
    (a_wwsf_with_block(block=a_block(impi="v!.*!@home1.net")), "block.impi", "a pattern"),
    (a_wwsf_with_block(block=a_block(addresses=[])), "block.client_certificates", "to tell"),
    (
        a_wwsf_with_block(block=a_block(client_certificates=["AB" * 32])),
        "block.client_certificates",
        "SHA-256",
    ),
    (
        a_wwsf_with_block(block=a_block(addresses=[f"192.0.2.{n}/32" for n in range(65)])),
        "block.addresses",
        "at most 64",
    ),
]


@pytest.mark.req("S002-17")
def test_a_block_with_all_it_needs_is_taken() -> None:
    static = a_range("sip:desk!.*!@home1.net")
    by_certificate = a_block(addresses=[], client_certificates=["ab" * 32])

    check_resource(a_wwsf_with_block())
    check_resource(a_wwsf_with_block(ranges=[IN_BLOCK, static], block=by_certificate))


@pytest.mark.req("S002-17")
@pytest.mark.parametrize(("wwsf", "field", "why"), BAD_BLOCKS)
def test_a_block_that_lacks_something_is_refused_by_field(wwsf: Any, field: str, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why) as caught:
        check_resource(wwsf)

    assert caught.value.field == field
