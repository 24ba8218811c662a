"""Whose ranges are called, and with whom they are registered."""

from __future__ import annotations

import pytest

from cxrelay.ranges import CALLED, PILOTS, CalledRanges, RegisteredRanges, in_header, pilots
from lab.cx import (
    IDENTITY_NOT_REGISTERED,
    PUBLIC_IDENTITY,
    SERVER_NAME,
    USER_DATA,
    WILDCARDED_PUBLIC_IDENTITY,
    Command,
)
from lab.diameter import VENDOR_3GPP, Avp
from lab.profile import profile_xml
from lab.subscribers import Subscription
from tests.fakes.cscf import FakeCscf
from tests.kemi.cx_messages import SUCCESS, message, saa, sar


pytestmark = pytest.mark.req("S002-37")

MEMBER, WILDCARD = "sip:hall-142@ims.example", "sip:hall-!1[0-9]{2}!@ims.example"
ESCAPED = "sip:hall-!1%5B0-9%5D%7B2%7D!@ims.example"


def lir(impu=MEMBER):
    return message(Command.LOCATION_INFO, Avp(PUBLIC_IDENTITY, impu, VENDOR_3GPP))


def lia(wildcard=None, result=SUCCESS):
    avps = [Avp(SERVER_NAME, "sip:scscf.ims.example", VENDOR_3GPP)]
    if wildcard:
        avps.append(Avp(WILDCARDED_PUBLIC_IDENTITY, wildcard, VENDOR_3GPP))
    return message(Command.LOCATION_INFO, result.avp(), *avps, answer=True)


def test_the_range_of_a_member_is_kept_as_it_can_stand_in_a_header():
    kamailio = FakeCscf()

    CalledRanges(kamailio).heard(lir(), lia(WILDCARD))

    assert kamailio.tables[CALLED] == {MEMBER: ESCAPED}


@pytest.mark.parametrize("answer", [lia(), lia(WILDCARD, IDENTITY_NOT_REGISTERED)])
def test_what_is_no_member_any_more_is_forgotten(answer):
    kamailio = FakeCscf()
    called = CalledRanges(kamailio)
    called.heard(lir(), lia(WILDCARD))

    called.heard(lir(), answer)

    assert kamailio.tables[CALLED] == {}


@pytest.mark.parametrize(
    ("wildcard", "escaped"),
    [
        ("sip:chat-!.*!@ims.example", "sip:chat-!.*!@ims.example"),
        ("tel:+49!.*!", "tel:+49!.*!"),
        ('sip:x!"<>\r\n \\^|!@ims.example', "sip:x!%22%3C%3E%0D%0A%20%5C%5E%7C!@ims.example"),
    ],
)
def test_what_no_uri_has_is_escaped(wildcard, escaped):
    assert in_header(wildcard) == escaped


def test_a_control_character_is_no_identity():
    with pytest.raises(ValueError, match="control character"):
        CalledRanges(FakeCscf()).heard(lir(), lia("sip:x!.*!@a\r\nb"))


def test_the_pilot_is_found_by_either_spelling_of_its_range():
    kamailio = FakeCscf()
    hall = Subscription(
        impi="hall@ims.example",
        impus=("sip:old@ims.example", "sip:hall@ims.example", "sip:other@ims.example"),
        barred=frozenset({"sip:old@ims.example"}),
        ranges=(WILDCARD, "tel:+49!.*!"),
    )
    profile = Avp(USER_DATA, profile_xml(hall), VENDOR_3GPP)

    RegisteredRanges(kamailio).heard(sar(), saa(profile))

    pilot = "sip:hall@ims.example"
    assert kamailio.tables[PILOTS] == {WILDCARD: pilot, ESCAPED: pilot, "tel:+49!.*!": pilot}


def test_service_profiles_are_told_apart():
    text = """<IMSSubscription><PrivateID>x</PrivateID>{}{}{}</IMSSubscription>""".format(
        service("<Identity>sip:a@x</Identity>", wild("sip:a-!.*!@x")),
        service("<Identity>sip:b@x</Identity>", wild(" sip:b-!.*!@x ")),
        service("<BarringIndication>1</BarringIndication><Identity>sip:c@x</Identity>", wild("c")),
    )

    assert pilots(text.encode()) == {"sip:a-!.*!@x": "sip:a@x", "sip:b-!.*!@x": "sip:b@x"}


def service(*identities):
    inside = "".join(f"<PublicIdentity>{each}</PublicIdentity>" for each in identities)
    return f"<ServiceProfile>{inside}</ServiceProfile>"


def wild(wildcard):
    inner = f"<Extension><WildcardedIMPU>{wildcard}</WildcardedIMPU></Extension>"
    return f"<Identity>sip:any@x</Identity><Extension>{inner}</Extension>"


def test_users_without_a_range_leave_no_trace():
    kamailio = FakeCscf()
    registered = RegisteredRanges(kamailio)

    registered.heard(sar(), saa())
    registered.heard(sar(), saa(Avp(USER_DATA, b"no xml at all", VENDOR_3GPP)))

    assert kamailio.tables == {}


def test_a_profile_that_is_no_xml_is_an_error():
    with pytest.raises(ValueError, match="no xml"):
        pilots(b"<WildcardedIMPU>")
