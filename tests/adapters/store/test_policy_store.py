"""The contract of a store of the policy, whatever the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from epcscfd.app.provisioning import key_of
from epcscfd.domain.introspection import ClientAuthentication, Introspection
from epcscfd.domain.policy import (
    AuthorizationEntity,
    EntityId,
    HomeDomain,
    JwksFile,
    JwksUrl,
    PemKeys,
    Subscription,
    Wwsf,
    WwsfId,
)
from epcscfd.errors import AlreadyExists, InUse, InvalidArgument, NotFound, StaleEtag
from tests.builders import a_domain, a_subscription, a_wwsf, an_entity


if TYPE_CHECKING:
    from collections.abc import Callable

    from epcscfd.app.provisioning import Resource, Stored
    from epcscfd.domain.policy import Policy
    from tests.adapters.conftest import Kept

ASKED = Introspection(
    "https://waf.home1.net/introspect",
    "epcscf",
    "waf",
    ClientAuthentication.TLS,
    ttl=timedelta(minutes=3),
    negative_ttl=timedelta(seconds=2),
    timeout=timedelta(seconds=1),
)
FULL_ENTITY = an_entity(
    display_name="Login of Home One",
    token_types=["at+jwt", "jwt"],
    audience="another",
    claims={"impi": "https://home1.net/impi"},
    max_life=90,
    one_time_tokens=True,
    state="barred",
)
FULL_WWSF = a_wwsf(
    origins=["https://shop.example", "https://m.shop.example:8443"],
    client_certificates=["ab" * 32],
    pool={"impi": ["v1@home1.net", "v2@home1.net"], "realms": ["pool.shop.example"]},
    proof_required=True,
    state="suspended",
)
FULL_SUBSCRIPTION = a_subscription(impus=["sip:alice@home1.net", "tel:+4989123456"])


async def fill(kept: Kept) -> None:
    for resource in (a_domain(), an_entity(), a_wwsf(), a_subscription()):
        await kept.store.create(resource)


def without_epoch(resource: Any) -> Any:
    return replace(resource, epoch=0) if hasattr(resource, "epoch") else resource


def as_is(stored: Stored[Any]) -> Any:
    return stored.resource


@pytest.mark.parametrize(
    "resource",
    [
        a_domain(display_name="Home One", next_hop_set=3),
        FULL_ENTITY,
        an_entity(keys=JwksUrl("https://waf.home1.net/jwks")),
        an_entity(keys=JwksFile("/etc/epcscf/jwks.json")),
        an_entity(keys=PemKeys("-----BEGIN PUBLIC KEY-----\n…\n")),
        an_entity(keys=JwksFile("/etc/epcscf/jwks.json"), introspection=ASKED),
        an_entity(keys=None, algorithms=(), introspection=ASKED),
    ],
)
async def test_what_is_created_is_read_back(kept: Kept, resource: Resource) -> None:
    created = await kept.store.create(resource)
    read = await kept.store.get(type(resource), key_of(resource))

    assert without_epoch(read.resource) == resource
    assert read == created
    assert read.create_time == read.update_time


async def test_lists_and_references_are_read_back(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(FULL_WWSF)
    await kept.store.create(FULL_SUBSCRIPTION)

    wwsf = (await kept.store.get(Wwsf, "shop")).resource
    subscription = (await kept.store.get(Subscription, "alice@home1.net")).resource
    assert without_epoch(wwsf) == FULL_WWSF
    assert subscription == FULL_SUBSCRIPTION


async def test_an_empty_pool_is_not_the_same_as_none(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(a_wwsf(id="lender", client_id="l", origins=[], pool={}))
    await kept.store.create(a_wwsf())

    assert (await kept.store.get(Wwsf, "lender")).resource.pool is not None
    assert (await kept.store.get(Wwsf, "shop")).resource.pool is None


async def test_an_update_replaces_what_the_change_says(kept: Kept) -> None:
    await fill(kept)
    before = await kept.store.get(Wwsf, "shop")

    after = await kept.store.update(
        (Wwsf, "shop", before.etag),
        lambda current: replace(
            current.resource, origins=frozenset({"https://shop.example", "https://b.example"})
        ),
    )

    assert after.resource.origins == {"https://shop.example", "https://b.example"}
    assert after.create_time == before.create_time
    assert after.update_time > before.update_time
    assert after.etag != before.etag
    assert await kept.store.get(Wwsf, "shop") == after


async def test_etags_are_quoted(kept: Kept) -> None:
    etag = (await kept.store.create(a_domain())).etag

    assert etag.startswith('"')
    assert etag.endswith('"')


async def test_a_stale_etag_is_refused(kept: Kept) -> None:
    await fill(kept)
    read = await kept.store.get(Wwsf, "shop")
    await kept.store.update((Wwsf, "shop", read.etag), as_is)

    with pytest.raises(StaleEtag):
        await kept.store.update((Wwsf, "shop", read.etag), as_is)
    with pytest.raises(StaleEtag):
        await kept.store.delete(Wwsf, "shop", read.etag)


async def test_a_resource_made_again_is_not_taken_for_the_old_one(kept: Kept) -> None:
    await kept.store.create(an_entity())
    old = await kept.store.create(a_wwsf())
    await kept.store.delete(Wwsf, "shop", "")
    new = await kept.store.create(a_wwsf())

    assert new.etag != old.etag
    assert new.resource.epoch > old.resource.epoch


@pytest.mark.parametrize("kind", [HomeDomain, AuthorizationEntity, Wwsf, Subscription])
async def test_what_is_not_there_is_not_found(kept: Kept, kind: type[Any]) -> None:
    with pytest.raises(NotFound):
        await kept.store.get(kind, "nobody@nowhere.example")
    with pytest.raises(NotFound):
        await kept.store.update((kind, "nobody@nowhere.example", ""), as_is)
    with pytest.raises(NotFound):
        await kept.store.delete(kind, "nobody@nowhere.example", "")


TAKEN = [
    (a_wwsf(), "name"),
    (a_wwsf(id="other", client_id="shop-client", origins=[]), "client_id"),
    (a_wwsf(id="other", client_id="o", origins=["https://shop.example"]), "origin"),
    (an_entity(id="other"), "issuer"),
    (a_domain(), "name"),
    (a_subscription(impus=[]), "name"),
]


@pytest.mark.parametrize(("resource", "what"), TAKEN, ids=lambda part: part)
async def test_what_only_one_may_have_is_refused_to_a_second(
    kept: Kept, resource: Resource, what: str
) -> None:
    await fill(kept)

    with pytest.raises(AlreadyExists):
        await kept.store.create(resource)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_certificates": ["ab" * 32]},
        {"pool": {"impi": ["v1@home1.net"]}},
        {"pool": {"realms": ["pool.shop.example"]}},
    ],
    ids=["certificate", "impi of a pool", "realm of a pool"],
)
async def test_a_certificate_and_a_pool_have_one_wwsf(kept: Kept, changes: dict[str, Any]) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(FULL_WWSF)
    await kept.store.create(a_wwsf(id="other", client_id="o", origins=[]))

    with pytest.raises(AlreadyExists):
        await kept.store.update(
            (Wwsf, "other", ""),
            lambda _: a_wwsf(id="other", client_id="o", origins=[], **changes),
        )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"impi": ["v1@pool.example"]}, {"realms": ["pool.example"]}),
        ({"realms": ["pool.example"]}, {"impi": ["v1@pool.example"]}),
    ],
    ids=["realm over impi", "impi over realm"],
)
async def test_pools_do_not_overlap(
    kept: Kept, first: dict[str, Any], second: dict[str, Any]
) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(a_wwsf(pool=first))

    with pytest.raises(AlreadyExists, match="wwsfs/shop"):
        await kept.store.create(a_wwsf(id="other", client_id="o", origins=[], pool=second))
    apart = {"realms": ["another-pool.example"], "impi": ["v1@xpool.example"]}
    await kept.store.create(a_wwsf(id="other", client_id="o", origins=[], pool=apart))


async def test_within_one_pool_an_impi_may_be_named_twice(kept: Kept) -> None:
    await kept.store.create(an_entity())
    pool = {"impi": ["v1@pool.example"], "realms": ["pool.example"]}

    await kept.store.create(a_wwsf(pool=pool))
    await kept.store.update((Wwsf, "shop", ""), as_is)


async def test_what_a_resource_names_must_be_there(kept: Kept) -> None:
    with pytest.raises(InvalidArgument, match="authorization_entities"):
        await kept.store.create(a_wwsf())
    with pytest.raises(InvalidArgument, match="wwsfs"):
        await kept.store.create(a_subscription())


async def test_what_is_named_cannot_be_deleted(kept: Kept) -> None:
    await fill(kept)

    with pytest.raises(InUse, match="wwsfs/shop"):
        await kept.store.delete(AuthorizationEntity, "waf", "")
    with pytest.raises(InUse, match=r"subscriptions/alice@home1\.net"):
        await kept.store.delete(Wwsf, "shop", "")
    await kept.store.delete(Subscription, "alice@home1.net", "")
    await kept.store.delete(Wwsf, "shop", "")
    await kept.store.delete(AuthorizationEntity, "waf", "")


async def test_a_deleted_origin_is_free_again(kept: Kept) -> None:
    await kept.store.create(an_entity())
    await kept.store.create(a_wwsf())
    await kept.store.delete(Wwsf, "shop", "")

    await kept.store.create(a_wwsf(id="other"))


async def test_a_rehearsal_answers_as_the_edit_would_and_changes_nothing(kept: Kept) -> None:
    await fill(kept)
    before = await kept.store.load()

    created = await kept.store.create(a_domain("home2.net"), rehearse=True)
    updated = await kept.store.update(
        (Wwsf, "shop", ""),
        lambda current: replace(current.resource, proof_required=True),
        rehearse=True,
    )
    with pytest.raises(AlreadyExists):
        await kept.store.create(a_domain(), rehearse=True)

    assert created.resource == a_domain("home2.net")
    assert updated.resource.proof_required
    assert await kept.store.load() == before


async def test_a_change_that_fails_changes_nothing(kept: Kept) -> None:
    await fill(kept)
    before = await kept.store.load()

    def fail(_: Stored[Wwsf]) -> Wwsf:
        raise InvalidArgument("origins", "not today")

    with pytest.raises(InvalidArgument):
        await kept.store.update((Wwsf, "shop", ""), fail)

    assert await kept.store.load() == before


async def test_pages_hold_everything_once_and_in_order(kept: Kept) -> None:
    names = [f"home{number}.net" for number in range(10, 17)]
    for name in reversed(names):
        await kept.store.create(a_domain(name))

    seen: list[str] = []
    token, pages = "", 0
    while token or not pages:
        page = await kept.store.list(HomeDomain, 3, token)
        seen += [stored.resource.domain for stored in page.items]
        token, pages = page.next_token, pages + 1

    assert seen == names
    assert pages == 3


@pytest.mark.parametrize("token", ["home1.net", "§", "!!!!", "/w=="])
async def test_a_made_up_page_token_is_refused(kept: Kept, token: str) -> None:
    with pytest.raises(InvalidArgument, match="page_token"):
        await kept.store.list(HomeDomain, 3, token)


async def test_the_snapshot_is_what_was_stored(kept: Kept) -> None:
    await fill(kept)

    policy = await kept.store.load()

    assert policy.domains == {"home1.net": a_domain()}
    assert without_epoch(policy.entities[EntityId("waf")]) == an_entity()
    assert without_epoch(policy.wwsfs[WwsfId("shop")]) == a_wwsf()
    assert list(policy.subscriptions.values()) == [a_subscription()]


async def test_every_edit_raises_the_revision_and_the_right_epoch(kept: Kept) -> None:
    await fill(kept)
    before = await kept.store.load()

    await kept.store.update((Wwsf, "shop", ""), as_is)
    of_wwsf = await kept.store.load()
    await kept.store.update((AuthorizationEntity, "waf", ""), as_is)
    of_entity = await kept.store.load()
    await kept.store.update((HomeDomain, "home1.net", ""), as_is)
    of_domain = await kept.store.load()
    await kept.store.delete(Subscription, "alice@home1.net", "")
    of_subscription = await kept.store.load()

    edits = list(pairwise((before, of_wwsf, of_entity, of_domain, of_subscription)))
    assert [new.revision - old.revision for old, new in edits] == [1, 1, 1, 1]
    assert [raised(edit, epoch_of_wwsf) for edit in edits] == [True, False, False, False]
    assert [raised(edit, epoch_of_entity) for edit in edits] == [False, True, False, False]
    assert [raised(edit, epoch_of_all) for edit in edits] == [False, False, True, True]


def raised(edit: tuple[Policy, Policy], epoch: Callable[[Policy], int]) -> bool:
    return epoch(edit[1]) > epoch(edit[0])


def epoch_of_wwsf(policy: Policy) -> int:
    return policy.wwsfs[WwsfId("shop")].epoch


def epoch_of_entity(policy: Policy) -> int:
    return policy.entities[EntityId("waf")].epoch


def epoch_of_all(policy: Policy) -> int:
    return policy.shared_epoch


NASTY = ["'; DROP TABLE wwsfs; --", '"', "%", "_", "\\", "a' OR '1'='1", "a\r\nb", "🂡"]


@pytest.mark.req("SX-2")
@pytest.mark.parametrize("text", NASTY)
async def test_no_identifier_is_read_as_sql(kept: Kept, text: str) -> None:
    await fill(kept)
    wwsf = a_wwsf(id=text, client_id=text, origins=[text], display_name=text)

    await kept.store.create(wwsf)
    read = await kept.store.get(Wwsf, text)
    with pytest.raises(NotFound):
        await kept.store.get(HomeDomain, text)
    await kept.store.delete(Wwsf, text, read.etag)

    assert without_epoch(read.resource) == wwsf
    assert (await kept.store.load()).wwsfs.keys() == {"shop"}
