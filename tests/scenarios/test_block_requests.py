"""What the REGISTER of a block may look like (RFC 6140, RFC 3327), and what it may list."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.enterprise import DESKS, HALLS
from tests.scenarios.test_block_static import enterprise, server


__all__ = ["enterprise", "server"]

HOST = "wws.enterprise.example;transport=tls"
GIN = [
    ({"Contact": f"<sip:wws@{HOST};bnc>"}, 400),
    ({"Contact": f"<sip:{HOST};user=phone;bnc>"}, 400),
    ({"Contact": f"<sip:{HOST};bnc;user=phone>"}, 400),
    ({"Contact": f"<sip:{HOST};bnc=1>"}, 400),
    ({"Contact": f"<sip:{HOST}>;bnc"}, 400),
    ({"Contact": f"<sip:{HOST}>"}, 400),
    ({"Contact": f"<sip:{HOST};bnc>, <sip:b.example;bnc>"}, 400),
    ({"Contact": "*"}, 400),
    ({"Contact": None}, 400),
    ({"Require": None}, 400),
    ({"Proxy-Require": None}, 400),
    ({"Require": "path"}, 400),
    ({"Require": None, "Contact": f"<sip:{HOST}>"}, 403),
    ({"Supported": "gin"}, 421),
    ({"Supported": None}, 421),
    ({"Require": "gin, pathology"}, 420),
    ({"Proxy-Require": "gin,sec-agree"}, 420),
    ({"From": "<sip:bob@ims.example>;tag=1"}, 403),
]


@pytest.mark.req("S002-27")
@pytest.mark.parametrize(("changes", "status"), GIN)
async def test_what_is_no_bulk_registration_never_succeeds(enterprise, server, changes, status):
    await server.ask()
    reply = await server.ask(changes=changes)

    assert reply.status == status
    assert status != 421 or reply.one("Require") == "path"
    assert status != 420 or reply.one("Unsupported") in {"pathology", "sec-agree"}
    assert not enterprise.is_registered


@pytest.mark.req("S002-27")
@pytest.mark.parametrize(
    "changes",
    [
        {"Require": "GIN", "Supported": "gin,PATH"},
        {"Require": "path, gin", "Contact": f'"WWS" <sips:{HOST};bnc>;q=1.0;expires=60'},
        {"Supported": "outbound , path", "Contact": f"<sip:{HOST};bnc;x=y>"},
    ],
)
async def test_what_is_one_succeeds_however_it_is_written(server, changes):
    assert (await server.register(changes=changes)).status == 200


JSON = {"Content-Type": "application/json"}


def listing(*ranges):
    return json.dumps({"impu_ranges": ranges}).encode()


@pytest.mark.req("S002-19")
@pytest.mark.parametrize(
    "body",
    [
        listing(DESKS, HALLS),
        json.dumps({"impu_ranges": [HALLS, DESKS]}, indent=4).encode(),
        f'{{"impu_ranges":["{DESKS}","{HALLS}"]}}'.encode(),
    ],
)
async def test_a_list_of_what_is_provisioned_is_taken(server, body):
    assert (await server.register(changes=JSON, body=body)).status == 200


@pytest.mark.req("S002-19")
@pytest.mark.parametrize(
    "body",
    [
        listing(DESKS),
        listing(),
        listing(DESKS, DESKS),
        listing(DESKS, HALLS, "sip:other!.*!@ims.example"),
        listing(DESKS, "sip:hall-!.*!@ims.example"),
        listing(DESKS, HALLS.upper()),
        listing("sip:!.*!@ims.example"),
        listing(f'{DESKS}", "{HALLS}'),
    ],
)
async def test_any_other_list_is_forbidden(enterprise, server, body):
    assert (await server.register(changes=JSON, body=body)).status == 403
    assert not enterprise.is_registered


@pytest.mark.req("S002-19")
@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"impu_ranges": "sip:desk!.*!@ims.example"}',
        b'{"impu_ranges": [1]}',
        b'{"impu_ranges": ["a" "b"]}',
        b'{"impu_ranges": ["a"], "more": []}',
        b'{"impu_ranges": ["a]}',
        b"impu_ranges",
        listing(DESKS, HALLS)[:-1],
    ],
)
async def test_a_list_that_is_none_is_a_bad_request(server, body):
    assert (await server.register(changes=JSON, body=body)).status == 400


@pytest.mark.req("S002-19")
@pytest.mark.parametrize(
    "changes",
    [
        {"Content-Type": "application/sdp"},
        {"Content-Type": "multipart/mixed;boundary=x"},
        {"Content-Type": None},
        {**JSON, "Content-Encoding": "gzip"},
    ],
)
async def test_another_body_is_not_supported(server, changes):
    reply = await server.register(changes=changes, body=listing(DESKS, HALLS))

    assert (reply.status, reply.one("Accept")) == (415, "application/json")
