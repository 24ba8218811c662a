"""The HSS registers a range with its pilot, and only so (TS 29.228 6.1, 6.2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import pytest

from lab.cx import (
    ALLOWED_WAF_WWSF_IDENTITIES,
    IDENTITY_NOT_REGISTERED,
    IN_ASSIGNMENT_TYPE,
    SERVER_NAME,
    SUCCESS,
    USER_DATA,
    USER_UNKNOWN,
    WAF_NAME,
    WILDCARDED_PUBLIC_IDENTITY,
    WWSF_NAME,
    Assignment,
    Command,
    CxRequest,
)
from lab.cx_desk import CxDesk
from lab.diameter import RESULT_CODE, USER_NAME, Avp
from lab.hss import Hss
from lab.profile import profile_xml
from lab.subscribers import Subscription
from tests.lab.diameter_client import SERVER, Client, server_assignment


PILOT, IMPI = "sip:hall@ims.example", "hall@ims.example"
WILDCARD = "sip:hall-!1[0-9]{2}!@ims.example"
MEMBER = "sip:hall-142@ims.example"
HALL = Subscription(impi=IMPI, impus=(PILOT,), ranges=(WILDCARD,))
LIR, SAR, UAR = Command.LOCATION_INFO, Command.SERVER_ASSIGNMENT, Command.USER_AUTHORIZATION


def assign(desk, impu, kind):
    asked = CxRequest(SAR, "x", IMPI, impu, assignment=kind, server_name=SERVER)
    return desk.answer(asked).result


def located(desk, impu):
    answer = desk.answer(CxRequest(LIR, "x", impu=impu))
    return answer.result, {avp.code: avp.value for avp in answer.avps}


@pytest.mark.req("S002-26", "S002-37")
def test_a_member_is_located_by_its_range_once_the_pilot_is_registered():
    desk = CxDesk([HALL])
    assert located(desk, MEMBER)[0] == IDENTITY_NOT_REGISTERED

    assert assign(desk, PILOT, Assignment.REGISTRATION) == SUCCESS

    told = {SERVER_NAME: SERVER, WILDCARDED_PUBLIC_IDENTITY: WILDCARD}
    assert located(desk, MEMBER) == (SUCCESS, told)
    assert located(desk, PILOT) == (SUCCESS, {SERVER_NAME: SERVER})
    assert located(desk, "sip:hall-242@ims.example")[0] == USER_UNKNOWN


@pytest.mark.req("S002-37")
def test_a_distinct_identity_wins_over_a_range():
    own = Subscription(impi="own@ims.example", impus=(MEMBER,))
    desk = CxDesk([HALL, own])
    assign(desk, PILOT, Assignment.REGISTRATION)

    assert located(desk, MEMBER)[0] == IDENTITY_NOT_REGISTERED


@pytest.mark.req("S002-26")
@pytest.mark.parametrize("impu", [WILDCARD, MEMBER])
def test_neither_a_pattern_nor_a_member_is_registered_in_its_own_name(impu):
    desk = CxDesk([HALL])

    assert desk.answer(CxRequest(UAR, "x", IMPI, impu)).result == USER_UNKNOWN
    assert assign(desk, impu, Assignment.REGISTRATION) == IN_ASSIGNMENT_TYPE
    assert assign(desk, impu, Assignment.USER_DEREGISTRATION) == IN_ASSIGNMENT_TYPE
    assert desk.registrations() == {}


@pytest.mark.req("S002-26")
def test_the_profile_of_a_pilot_holds_its_range():
    identities = list(ET.fromstring(profile_xml(HALL)).iter("PublicIdentity"))

    assert [each.findtext("Identity") for each in identities] == [PILOT, WILDCARD]
    assert identities[1].findtext("Extension/IdentityType") == "3"
    assert identities[1].findtext("Extension/Extension/WildcardedIMPU") == WILDCARD


@pytest.mark.req("S000-21")
def test_a_new_list_is_pushed_alone_and_counts_from_then_on():
    admitting = Subscription(impi=IMPI, impus=(PILOT,), wafs=("waf1",))
    with (
        Hss([admitting]) as hss,
        Client(hss) as client,
        ThreadPoolExecutor() as aside,
    ):
        client.ask(server_assignment(IMPI, PILOT, Assignment.REGISTRATION))

        pushed = aside.submit(hss.admit, IMPI, ("waf2",), ("wwsf1",))
        asked = client.receive()
        client.send(asked.answer(Avp(RESULT_CODE, 2001)).to_bytes())

        assert pushed.result() == 2001
        assert (asked.command, asked.get(USER_NAME)) == (Command.PUSH_PROFILE, IMPI)
        assert asked.get(USER_DATA) is None
        names = [(avp.code, avp.value) for avp in asked.get(ALLOWED_WAF_WWSF_IDENTITIES)]
        assert names == [(WAF_NAME, "waf2"), (WWSF_NAME, "wwsf1")]
        again = client.ask(server_assignment(IMPI, PILOT, Assignment.REGISTRATION))
        assert again.get(ALLOWED_WAF_WWSF_IDENTITIES) == asked.get(ALLOWED_WAF_WWSF_IDENTITIES)


def test_nothing_is_pushed_for_those_who_are_not_registered():
    with Hss([HALL]) as hss, pytest.raises(LookupError, match="is not registered"):
        hss.admit(IMPI, ("waf1",))
