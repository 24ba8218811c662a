"""Users in a real directory (OpenLDAP): who may log in, and what they map to."""

from __future__ import annotations

import asyncio
import time

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from epcscfd.directory.ldap import LdapDirectory, LdapPlan
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.oauth.account import WafAccount, WebUser
from epcscfd.errors import Unavailable
from lab.ports import free_port
from lab.slapd import BASE, READER, READER_PASSWORD, Person, Slapd


if TYPE_CHECKING:
    from collections.abc import Iterator

ALICE = WafAccount(
    Impi.parse("alice@ims.example"),
    frozenset(map(Impu.parse, ("sip:alice@ims.example", "tel:+4989123456"))),
)
PEOPLE = (
    Person("alice", "alices", "alice@ims.example", ["sip:alice@ims.example", "tel:+49-89-123456"]),
    Person("bob", "bobs"),
    Person("carol", "carols", "carol@ims.example"),
    Person("dave", "daves", "no impi", ["sip:dave@ims.example"]),
    Person("twin", "twins", "twin@ims.example", ["sip:twin@ims.example"], rdn="first"),
    Person("twin", "twins", "twin@ims.example", ["sip:twin@ims.example"], rdn="second"),
    Person("a*(b)", "stars", "star@ims.example", ["sip:star@ims.example"]),
)


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with Slapd(tmp_path_factory.mktemp("slapd"), PEOPLE) as slapd:
        yield slapd


def plan_for(url: str) -> LdapPlan:
    return LdapPlan(
        url=url,
        base=f"ou=people,{BASE}",
        filter="(uid={name})",
        bind_dn=READER,
        password=READER_PASSWORD,
        impi_attribute="imsImpi",
        impu_attribute="imsImpu",
        name_attribute="cn",
        timeout_seconds=2,
        encrypted=False,
    )


@pytest.fixture
def directory(slapd: Slapd) -> LdapDirectory:
    return LdapDirectory(plan_for(slapd.url))


@pytest.mark.req("S001-14", "S000-6")
async def test_who_logs_in_is_known_with_what_the_entry_maps_to(directory: LdapDirectory) -> None:
    expected = WebUser("alice", ALICE, "alice")

    assert await directory.authenticate("alice", "alices") == expected
    assert await directory.find("alice") == expected


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "bobs"),
        ("alice", ""),
        ("mallory", "alices"),
        ("*", "alices"),
        ("ali*", "alices"),
        ("alice)(uid=*", "alices"),
        ("", "alices"),
        ("\0", "alices"),
        ("twin", "twins"),
    ],
)
async def test_nobody_else_gets_in(directory: LdapDirectory, name: str, password: str) -> None:
    assert await directory.authenticate(name, password) is None


async def test_a_name_is_a_name_whatever_is_in_it(directory: LdapDirectory) -> None:
    user = await directory.authenticate("a*(b)", "stars")

    assert user is not None
    assert str(user.account and user.account.impi) == "star@ims.example"


@pytest.mark.req("S000-6")
@pytest.mark.parametrize(
    ("name", "password"), [("bob", "bobs"), ("carol", "carols"), ("dave", "daves")]
)
async def test_an_entry_that_maps_to_nothing_whole_maps_to_nothing(
    directory: LdapDirectory, name: str, password: str
) -> None:
    assert await directory.authenticate(name, password) == WebUser(name, None, name)


async def test_a_directory_that_is_away_is_no_wrong_password(slapd: Slapd) -> None:
    gone = LdapDirectory(plan_for(f"ldap://127.0.0.1:{free_port()}"))
    unknown = LdapDirectory(replace(plan_for(slapd.url), password="wrong"))
    plain = LdapDirectory(replace(plan_for(slapd.url), encrypted=True))

    for directory in (gone, unknown, plain):
        with pytest.raises(Unavailable, match=r"^not available: ldap \(\w+\)$"):
            await directory.find("alice")


async def test_a_directory_that_hangs_stops_nobody_else() -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    done = asyncio.Event()
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    directory = LdapDirectory(replace(plan_for(f"ldap://127.0.0.1:{port}"), timeout_seconds=1))
    asking = asyncio.create_task(directory.find("alice"))
    began = time.monotonic()
    turns = 0
    while not asking.done():
        await asyncio.sleep(0.01)
        turns += 1
    done.set()
    server.close()

    with pytest.raises(Unavailable):
        await asking
    assert turns > 10 * (time.monotonic() - began)
