"""Emergency requests are not served on W2, and that is said at once (TS 24.229 5.2.10)."""

from __future__ import annotations

import pytest

from lab.calling import ask, new_request
from lab.deployment import Wishes


NUMBERS = (
    "urn:service:sos",
    "urn:service:sos.police",
    "URN:Service:SOS.fire",
    "tel:112",
    "tel:9-1-1",
    "sip:112@ims.example",
    "sip:911@ims.example;user=phone",
    "sip:112;phone-context=ims.example@ims.example;user=phone",
)


@pytest.mark.req("SX-27")
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
async def test_a_registered_wic_is_told_that_it_is_not_served(lab, wic, user, number, method):
    mark = lab.core.scscf.mark()
    reply = await ask(wic, new_request(wic, method, (user.impu, number)))

    assert reply.status == 403
    assert "Emergency" in reply.start_line
    assert lab.core.scscf.wire(method, mark) == []


@pytest.mark.req("SX-27")
async def test_so_is_one_that_is_not_registered(lab):
    async with await lab.connect() as wic:
        caller = "sip:anonymous@anonymous.invalid"
        reply = await ask(wic, new_request(wic, "INVITE", (caller, "urn:service:sos")))

    assert reply.status == 403
    assert "Emergency" in reply.start_line


@pytest.mark.req("SX-27")
@pytest.mark.parametrize("parameter", [";sos", ";transport=ws;sos", ";SOS"])
async def test_an_emergency_registration_is_refused(lab, user, parameter):
    async with await lab.connect() as wic:
        request = wic.register_request(
            user.impu,
            lab.bearer("portal", user.impi),
            contact=f"<sip:{wic.user}@{wic.host}{parameter}>;expires=600",
        )
        reply = await wic.ask(request)

    assert reply.status == 403
    assert not lab.core.scscf.registered(user.impu)


async def test_a_user_whose_name_begins_like_it_is_no_emergency(lab, user):
    async with await lab.connect() as wic:
        wic.user = "sosumi"
        bearer = lab.bearer("portal", user.impi)

        assert (await wic.register(user.impu, bearer)).status == 200
        calling = new_request(wic, "MESSAGE", (user.impu, "sip:sos@ims.example"))
        assert (await ask(wic, calling)).status != 403


@pytest.mark.req("SX-27")
async def test_by_policy_another_network_is_named(own_lab):
    lab = own_lab(Wishes(edge={"EPCSCF_EMERGENCY_380": True}))
    async with await lab.connect() as wic:
        caller = "sip:anonymous@anonymous.invalid"
        reply = await ask(wic, new_request(wic, "INVITE", (caller, "urn:service:sos")))

    assert reply.status == 380
    assert reply.one("Content-Type") == "application/3gpp-ims+xml"
    assert b"<type>emergency</type>" in reply.body
