"""PolicyAdmin over a real socket and a real store: resources as google.aip.dev describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from google.protobuf import field_mask_pb2

from epcscf.admin.v1 import policy_pb2 as pb
from epcscfd.domain.edge import edge_view
from epcscfd.domain.policy import EntityId, HomeDomain, WwsfId, WwsfState
from epcscfd.rpc.admin import SERVICE, PolicyAdmin
from tests.adapters.rpc.administer import Admin, failure_of, vet
from tests.builders import some_rules


if TYPE_CHECKING:
    from epcscfd.domain.edge import Stamp
    from tests.adapters.conftest import Kept


def test_every_method_of_the_contract_is_served(kept: Kept) -> None:
    methods = PolicyAdmin(kept.store, Admin(None, kept), vet)._methods()  # type: ignore[arg-type]  # not called

    assert methods.keys() == {method.name for method in SERVICE.methods}


async def test_defaults_of_the_contract_are_filled_in(admin: Admin) -> None:
    domain = await admin.create_domain()
    entity = await admin.create_entity()
    wwsf = await admin.create_wwsf()

    assert (domain.name, domain.realm, domain.visited_network_id, domain.next_hop_set) == (
        "homeDomains/home1.net",
        "home1.net",
        "home1.net",
        1,
    )
    assert list(entity.token_types) == ["application/at+jwt", "at+jwt"]
    assert entity.scope == "webrtc-ims-client-access-to-ims"
    assert entity.claim_names == pb.ClaimNames(
        impi="ims_impi", impu="ims_impu", wwsf="client_id", scope="scope"
    )
    assert entity.max_life_seconds == 86_400
    assert entity.state == pb.AuthorizationEntity.ACTIVE
    assert (wwsf.client_id, wwsf.state) == ("shop", pb.Wwsf.ACTIVE)
    assert (wwsf.credentials, list(wwsf.ranges)) == (pb.Wwsf.TOKEN, [])
    assert not any(wwsf.HasField(field_) for field_ in ("pool", "quota"))


async def test_what_is_given_is_kept_and_given_back(admin: Admin) -> None:
    await admin.create_entity()
    given = pb.Wwsf(
        display_name="Shop",
        client_id="shop-client",
        origins=["https://b.example", "https://a.example:8443"],
        client_certificates=["ab" * 32],
        authorization_entities=["authorizationEntities/waf"],
        pool=pb.Pool(impis=["v1@home1.net"], impi_realms=["pool.example"]),
        ranges=[
            pb.IdentityRange(range="sip:v!.*!@home1.net", mode=pb.IdentityRange.STATIC),
            pb.IdentityRange(range="tel:+4989", mode=pb.IdentityRange.STATIC, enabled=True),
        ],
        proof_required=True,
        credentials=pb.Wwsf.TOKEN_OR_DIGEST,
        quota=pb.Quota(max_registrations=500, max_first_sights=20),
        token_in_every_request=True,
        state=pb.Wwsf.SUSPENDED,
    )

    await admin.stub.CreateWwsf(pb.CreateWwsfRequest(wwsf_id="shop", wwsf=given))
    read = await admin.stub.GetWwsf(pb.GetWwsfRequest(name="wwsfs/shop"))

    assert read.etag
    assert read.create_time == read.update_time
    for field_ in ("name", "create_time", "update_time", "etag"):
        read.ClearField(field_)
    given.origins.sort()
    assert read == given


async def test_identities_become_canonical(admin: Admin) -> None:
    made = await admin.create_subscription(
        "alice@HOME1.net", impus=["SIP:alice@HOME1.NET;user=phone", "tel:+49-89-123"]
    )
    read = await admin.stub.GetSubscription(
        pb.GetSubscriptionRequest(name="subscriptions/alice@Home1.Net")
    )

    assert made.name == "subscriptions/alice@home1.net"
    assert list(made.impus) == ["sip:alice@home1.net", "tel:+4989123"]
    assert read == made


async def test_an_edit_is_in_force_when_it_is_answered(admin: Admin) -> None:
    await admin.create_entity()
    await admin.create_wwsf()
    await admin.stub.UpdateWwsf(
        pb.UpdateWwsfRequest(
            wwsf=pb.Wwsf(name="wwsfs/shop", state=pb.Wwsf.SUSPENDED),
            update_mask=field_mask_pb2.FieldMask(paths=["state"]),
        )
    )

    policy = admin.kept.board.current()
    assert policy.wwsfs[WwsfId("shop")].state is WwsfState.SUSPENDED
    assert policy.wwsfs[WwsfId("shop")].entities == {EntityId("waf")}


async def test_a_mask_replaces_what_it_names_and_nothing_else(admin: Admin) -> None:
    await admin.create_entity()
    before = await admin.create_wwsf(
        display_name="Shop", pool={"impis": ["v1@home1.net"], "impi_realms": ["pool.example"]}
    )
    after = await admin.stub.UpdateWwsf(
        pb.UpdateWwsfRequest(
            wwsf=pb.Wwsf(
                name="wwsfs/shop",
                display_name="not this",
                origins=["https://b.example"],
                pool=pb.Pool(impis=["v2@home1.net"]),
            ),
            update_mask=field_mask_pb2.FieldMask(paths=["origins", "pool.impis"]),
        )
    )

    assert list(after.origins) == ["https://b.example"]
    assert list(after.pool.impis) == ["v2@home1.net"]
    assert list(after.pool.impi_realms) == ["pool.example"]
    assert after.display_name == "Shop"
    assert after.create_time == before.create_time
    assert after.etag != before.etag


@pytest.mark.parametrize("paths", [[], ["*"]], ids=["absent", "star"])
async def test_without_a_mask_all_is_replaced(admin: Admin, paths: list[str]) -> None:
    await admin.create_domain(realm="ims.home1.net", display_name="Home One")

    after = await admin.stub.UpdateHomeDomain(
        pb.UpdateHomeDomainRequest(
            home_domain=pb.HomeDomain(name="homeDomains/home1.net", next_hop_set=2),
            update_mask=field_mask_pb2.FieldMask(paths=paths),
        )
    )

    assert (after.realm, after.display_name, after.next_hop_set) == ("home1.net", "", 2)


async def test_a_mask_switches_the_source_of_keys(admin: Admin) -> None:
    await admin.create_entity()

    after = await admin.stub.UpdateAuthorizationEntity(
        pb.UpdateAuthorizationEntityRequest(
            authorization_entity=pb.AuthorizationEntity(
                name="authorizationEntities/waf", keys=pb.KeySource(jwks_file="/etc/jwks.json")
            ),
            update_mask=field_mask_pb2.FieldMask(paths=["keys.jwks_file"]),
        )
    )

    assert after.keys == pb.KeySource(jwks_file="/etc/jwks.json")


async def test_a_rehearsal_changes_nothing(admin: Admin) -> None:
    await admin.create_domain()
    before = admin.kept.board.current()
    edits = list(admin.edits)

    answer = await admin.stub.UpdateHomeDomain(
        pb.UpdateHomeDomainRequest(
            home_domain=pb.HomeDomain(name="homeDomains/home1.net", next_hop_set=9),
            validate_only=True,
        )
    )

    assert answer.next_hop_set == 9
    assert (await admin.kept.store.get(HomeDomain, "home1.net")).resource.next_hop_set == 1
    assert admin.kept.board.current() is before
    assert admin.edits == edits


async def test_lists_are_paged(admin: Admin) -> None:
    for number in range(5):
        await admin.create_domain(f"home{number}.net")

    first = await admin.stub.ListHomeDomains(pb.ListHomeDomainsRequest(page_size=3))
    second = await admin.stub.ListHomeDomains(
        pb.ListHomeDomainsRequest(page_size=3, page_token=first.next_page_token)
    )

    names = [domain.name for page in (first, second) for domain in page.home_domains]
    assert names == [f"homeDomains/home{number}.net" for number in range(5)]
    assert second.next_page_token == ""


async def test_edits_are_told(admin: Admin) -> None:
    await admin.create_domain()
    await admin.stub.UpdateHomeDomain(
        pb.UpdateHomeDomainRequest(home_domain=pb.HomeDomain(name="homeDomains/home1.net"))
    )
    await admin.stub.DeleteHomeDomain(pb.DeleteHomeDomainRequest(name="homeDomains/home1.net"))

    name = "homeDomains/home1.net"
    assert admin.edits == [("create", name), ("update", name), ("delete", name)]


TRANSITIONS = [
    ("BarAuthorizationEntity", "authorizationEntities/waf", pb.AuthorizationEntity.BARRED),
    ("UnbarAuthorizationEntity", "authorizationEntities/waf", pb.AuthorizationEntity.ACTIVE),
    ("SuspendWwsf", "wwsfs/shop", pb.Wwsf.SUSPENDED),
    ("ResumeWwsf", "wwsfs/shop", pb.Wwsf.ACTIVE),
]


@pytest.mark.parametrize(("method", "name", "state"), TRANSITIONS)
async def test_a_state_is_changed_in_one_call_and_in_force_at_once(
    admin: Admin, method: str, name: str, state: int
) -> None:
    await admin.create_entity(display_name="Login")
    await admin.create_wwsf(display_name="Shop")
    request = getattr(pb, f"{method}Request")(name=name)

    for _ in range(2):
        before = stamps(admin)
        changed = await getattr(admin.stub, method)(request)
        assert (changed.name, changed.state) == (name, state)
        assert changed.display_name
        assert stamps(admin).isdisjoint(before)
    assert admin.edits[-1][1] == name
    assert method.lower().startswith(admin.edits[-1][0])


def stamps(admin: Admin) -> set[Stamp]:
    """What verdicts in force hang on."""
    return set(edge_view(admin.kept.board.current(), some_rules()).stamps)


@pytest.mark.parametrize(("method", "name", "_state"), TRANSITIONS)
async def test_a_change_of_state_insists_on_what_was_read(
    admin: Admin, method: str, name: str, _state: int
) -> None:
    etags = {
        "authorizationEntities/waf": (await admin.create_entity()).etag,
        "wwsfs/shop": (await admin.create_wwsf()).etag,
    }
    request = getattr(pb, f"{method}Request")
    await getattr(admin.stub, method)(request(name=name, etag=etags[name]))

    again = getattr(admin.stub, method)(request(name=name, etag=etags[name]))
    unknown = getattr(admin.stub, method)(request(name=name + "x"))
    assert (await failure_of(again))[1] == "ETAG_MISMATCH"
    assert (await failure_of(unknown))[1] == "RESOURCE_NOT_FOUND"


async def test_a_mask_replaces_ranges_and_parts_of_a_quota(admin: Admin) -> None:
    await admin.create_entity()
    await admin.create_wwsf(
        display_name="Shop",
        ranges=[{"range": "sip:a!.*!@home1.net"}],
        quota={"max_registrations": 500, "max_first_sights": 20},
    )

    after = await admin.stub.UpdateWwsf(
        pb.UpdateWwsfRequest(
            wwsf=pb.Wwsf(
                name="wwsfs/shop",
                ranges=[pb.IdentityRange(range="sip:b!.*!@home1.net", enabled=True)],
                quota=pb.Quota(max_first_sights=7),
            ),
            update_mask=field_mask_pb2.FieldMask(paths=["ranges", "quota.max_first_sights"]),
        )
    )

    assert [(each.range, each.enabled) for each in after.ranges] == [("sip:b!.*!@home1.net", True)]
    assert after.quota == pb.Quota(max_registrations=500, max_first_sights=7)
    assert after.display_name == "Shop"
