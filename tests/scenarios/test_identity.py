"""Nothing but what is registered on a connection is asserted there (TS 33.203 X.3.2.3, step 7)."""

from __future__ import annotations

import secrets

import pytest

from lab.calling import answer, ask, deliver, is_answer, is_request, new_request
from tests.scenarios.test_wash import FORGED, SPELLINGS, spelled


CALLEE = "sip:bob@ims.example"


@pytest.fixture
async def two(lab, subscribe):
    """A WIC of a subscriber with a SIP and a tel identity, and the two."""
    number = f"tel:+1555{secrets.randbelow(10**7):07d}"
    impu = f"sip:user-{secrets.token_hex(4)}@ims.example"
    user = subscribe(impus=(impu, number))
    async with await lab.connect() as wic:
        bearer = lab.bearer("portal", user.impi, ims_impu=[user.impu])
        assert (await wic.register(user.impu, bearer)).status == 200
        yield wic, user.impu, number


async def asserted(wic, phone, impu, headers=()):
    """Send a MESSAGE and return what the callee is told about its sender."""
    request = new_request(wic, "MESSAGE", (impu, phone.impu), headers)
    arrived = await deliver(wic, request, phone)
    await answer(phone, arrived, 200)
    await wic.expect(is_answer(request))
    assert arrived.get("P-Preferred-Identity") is None
    return arrived.one("P-Asserted-Identity")


@pytest.mark.req("S001-34", "S003-32")
async def test_the_default_identity_is_the_first_that_the_core_named(two, phone):
    wic, impu, _ = two

    assert await asserted(wic, phone, impu) == f"<{impu}>"


@pytest.mark.req("S001-34")
@pytest.mark.parametrize("form", ["<{0}>", '"Two" <{0}>', "{0}", "<{0};user=phone>"])
async def test_a_preferred_identity_of_the_set_is_asserted(two, phone, form):
    wic, impu, number = two
    for wish in (number, impu):
        headers = [("P-Preferred-Identity", form.format(wish))]
        assert await asserted(wic, phone, impu, headers) == f"<{wish}>"


@pytest.mark.req("S001-34")
@pytest.mark.parametrize("separated", ["{0}-{1}-{2}", "{0}({1}){2}", "{0}.{1}.{2}"])
async def test_a_number_is_the_same_however_it_is_written(two, phone, separated):
    wic, impu, number = two
    wish = separated.format(number[:6], number[6:9], number[9:])

    assert await asserted(wic, phone, impu, [("P-Preferred-Identity", f"<{wish}>")]) == (
        f"<{number}>"
    )


@pytest.mark.req("S001-34", "S003-32")
@pytest.mark.parametrize(
    "foreign",
    [
        "<sip:ceo@ims.example>",
        "<tel:+15550199>",
        "<sip:someone@elsewhere.example>",
        "nonsense",
        "",
        "<>",
        "<sip:>",
        "<urn:service:sos>",
    ],
)
async def test_a_preferred_identity_outside_the_set_gives_the_default_one(two, phone, foreign):
    wic, impu, _ = two

    assert await asserted(wic, phone, impu, [("P-Preferred-Identity", foreign)]) == f"<{impu}>"


@pytest.mark.req("S001-23")
async def test_an_identity_that_the_core_did_not_associate_is_barred(lab, subscribe, phone):
    """TS 24.229 5.1.1.2.1: it serves to register, and to nothing else."""
    barred, usable = (f"sip:user-{secrets.token_hex(4)}@ims.example" for _ in range(2))
    user = subscribe(impus=(barred, usable), barred=frozenset({barred}))
    bearer = lab.bearer("portal", user.impi, impus=[barred])
    async with await lab.connect() as wic:
        reply = await wic.register(barred, bearer)
        assert (reply.status, reply.all("P-Associated-URI")) == (200, (f"<{usable}>",))

        wish = [("P-Preferred-Identity", f"<{barred}>")]
        assert await asserted(wic, phone, usable, wish) == f"<{usable}>"
        hidden = "sip:anonymous@anonymous.invalid"
        assert await asserted(wic, phone, hidden, wish) == f"<{usable}>"
        assert (await ask(wic, new_request(wic, "MESSAGE", (barred, CALLEE)))).status == 403


@pytest.mark.req("S001-23")
@pytest.mark.scripted_core
@pytest.mark.parametrize("wish", [(), ("P-Preferred-Identity",)])
async def test_whom_the_core_associates_with_nothing_says_nothing(
    lab, registers, impi_by_hand, wish
):
    impu, bearer = f"sip:{impi_by_hand}", lab.bearer("portal", impi_by_hand)
    async with await lab.connect() as wic:
        assert await registers(wic, impu, bearer) == 200
        for caller in (impu, "sip:anonymous@anonymous.invalid"):
            headers = [(name, f"<{impu}>") for name in wish]
            request = new_request(wic, "MESSAGE", (caller, CALLEE), headers)
            assert (await ask(wic, request)).status == 403


@pytest.mark.req("S003-32")
async def test_an_asserted_identity_of_its_own_is_taken_out(two, phone):
    wic, impu, _ = two
    forged = [("P-Asserted-Identity", "<sip:ceo@ims.example>")]

    assert await asserted(wic, phone, impu, forged) == f"<{impu}>"


@pytest.mark.req("S003-32")
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "PUBLISH"])
@pytest.mark.parametrize(
    "caller", ["sip:ceo@ims.example", "sip:ceo@IMS.example;user=phone", "tel:+15550199"]
)
async def test_from_names_no_identity_of_ours_that_is_not_bound_here(two, method, caller):
    wic, _, _ = two

    assert (await ask(wic, new_request(wic, method, (caller, CALLEE)))).status == 403


@pytest.mark.req("S003-32")
async def test_from_may_hide_or_be_of_elsewhere(two, phone):
    wic, impu, number = two
    for caller in (
        "sip:anonymous@anonymous.invalid",
        "sip:me@elsewhere.example",
        number,
        f"sip:{number[4:]}@ims.example;user=phone",
    ):
        assert await asserted(wic, phone, caller) == f"<{impu}>"


@pytest.mark.req("S003-32")
async def test_what_is_bound_to_one_connection_is_not_to_another(lab, two, user):
    _, impu, _ = two
    async with await lab.connect() as other:
        await other.register(user.impu, lab.bearer("portal", user.impi))

        assert (await ask(other, new_request(other, "MESSAGE", (impu, CALLEE)))).status == 403


@pytest.mark.req("S003-32")
async def test_nothing_is_left_of_a_connection_that_is_gone(lab, user):
    tables = ("ep_served", "ep_credential", "ep_known", "ep_identity", "ep_contact")
    async with await lab.connect() as wic:
        await wic.register(user.impu, lab.bearer("portal", user.impi))
        name = user.impu.partition(":")[2]
        assert any(name in str(row) for row in lab.edge.rows("ep_identity").items())
        before = {table: len(lab.edge.rows(table)) for table in tables}
    lab.edge.wait_until(
        lambda: all(len(lab.edge.rows(table)) == before[table] - 1 for table in tables),
        seconds=5,
        what="end of what was known",
    )


@pytest.mark.req("S003-32", "SX-6")
@pytest.mark.parametrize("leaving", [0, 1])
async def test_what_two_registrations_share_stays_until_both_have_ended(
    lab, subscribe, phone, leaving
):
    impus = [f"sip:user-{secrets.token_hex(4)}@ims.example" for _ in range(2)]
    user = subscribe(impus=tuple(impus))
    bearer = lab.bearer("portal", user.impi, impus=impus)
    async with await lab.connect() as wic:
        for impu in impus:
            assert (await wic.register(impu, bearer)).status == 200
        assert (await wic.register(impus[leaving], bearer, expires=0)).status == 200

        assert await asserted(wic, phone, impus[1]) == f"<{impus[0]}>"
        wish = [("P-Preferred-Identity", f"<{impus[1]}>")]
        assert await asserted(wic, phone, impus[0], wish) == f"<{impus[1]}>"
    lab.edge.wait_until(
        lambda: not [row for row in lab.edge.rows("ep_named") if user.impu in row],
        seconds=5,
        what="end of what was known",
    )


@pytest.mark.req("S003-32")
async def test_a_refresh_that_changes_nothing_writes_nothing(lab, user, wic):
    bearer = lab.bearer("portal", user.impi)
    await wic.register(user.impu, bearer)
    before = {table: lab.edge.rows(table) for table in ("ep_served", "ep_known", "ep_credential")}
    assert (await wic.register(user.impu, bearer)).status == 200

    assert {table: lab.edge.rows(table) for table in before} == before


@pytest.mark.req("SX-1")
@pytest.mark.parametrize("name", [name for name in FORGED if name != "Record-Route"])
async def test_what_only_the_core_may_say_is_taken_out_of_every_request(wic, user, phone, name):
    for form in SPELLINGS:
        request = new_request(wic, "MESSAGE", (user.impu, phone.impu)).plus(spelled(form, name))
        arrived = await deliver(wic, request, phone)
        await answer(phone, arrived, 200)
        assert (await wic.expect(is_answer(request))).status == 200
        assert "forged" not in str(arrived)
        assert "ceo" not in str(arrived)


@pytest.mark.req("SX-1")
async def test_what_only_the_core_may_say_is_taken_out_of_answers(wic, user, phone):
    request = new_request(phone, "MESSAGE", (phone.impu, user.impu))
    await phone.send(request.to_bytes())
    arrived = await wic.expect(is_request("MESSAGE"))
    forged = [(name, value) for name, value in FORGED.items() if name.startswith("P-")]
    await answer(wic, arrived, 200, forged)
    answered = await phone.expect(is_answer(request))

    assert "forged" not in str(answered)
    assert answered.one("P-Asserted-Identity") == f"<{user.impu}>"
