"""What is remembered of whom a subscription admits."""

from __future__ import annotations

import pytest

from cxrelay.admissions import TABLE, Admissions
from cxrelay.codes import CHARGING_INFORMATION
from lab.cx import USER_DATA, Assignment, Command, Result
from lab.diameter import USER_NAME, VENDOR_3GPP, Avp
from tests.fakes.cscf import FakeCscf
from tests.kemi.cx_messages import IMPI, message, names, saa, sar


PROFILE = Avp(USER_DATA, b"<IMSSubscription/>", VENDOR_3GPP)

COLLECTION = 621
"Primary-Charging-Collection-Function-Name."


@pytest.fixture
def kamailio():
    return FakeCscf()


@pytest.fixture
def admissions(kamailio):
    return Admissions(kamailio)


def encoded(*texts):
    return ",".join(text.encode().hex() for text in texts)


def ppr(*avps, impi=IMPI):
    return message(Command.PUSH_PROFILE, *((Avp(USER_NAME, impi),) if impi else ()), *avps)


@pytest.mark.req("S000-16", "S000-24")
def test_names_of_either_kind_are_kept(kamailio, admissions):
    admissions.heard(sar(), saa(PROFILE, names("waf1", "größe", wwsfs=("a,b",))))

    assert kamailio.tables[TABLE] == {IMPI: encoded("waf1", "größe", "a,b")}
    assert admissions.row(IMPI) == encoded("waf1", "größe", "a,b")


@pytest.mark.req("S000-17")
def test_a_profile_without_names_admits_nobody(kamailio, admissions):
    admissions.heard(sar(), saa(PROFILE))

    assert kamailio.tables[TABLE] == {IMPI: "-"}


@pytest.mark.req("S000-23")
def test_an_answer_without_a_profile_changes_nothing(kamailio, admissions):
    admissions.heard(sar(), saa(PROFILE, names("waf1")))
    admissions.heard(sar(Assignment.RE_REGISTRATION), saa())

    assert kamailio.tables[TABLE] == {IMPI: encoded("waf1")}


@pytest.mark.req("S000-23")
def test_who_was_never_told_of_is_marked_so(kamailio, admissions):
    admissions.heard(sar(Assignment.RE_REGISTRATION), saa())

    assert kamailio.tables[TABLE] == {IMPI: "?"}
    assert admissions.row("somebody@else.example") == "?"


@pytest.mark.req("S000-16")
@pytest.mark.parametrize(
    ("kind", "stays"),
    [
        (Assignment.NO_ASSIGNMENT, True),
        (Assignment.UNREGISTERED_USER, True),
        (Assignment.USER_DEREGISTRATION_STORE_SERVER_NAME, True),
        (Assignment.USER_DEREGISTRATION, False),
        (Assignment.TIMEOUT_DEREGISTRATION, False),
        (Assignment.ADMINISTRATIVE_DEREGISTRATION, False),
        (Assignment.AUTHENTICATION_FAILURE, False),
    ],
)
def test_a_list_is_kept_while_the_user_is_served(kamailio, admissions, kind, stays):
    admissions.heard(sar(), saa(PROFILE, names("waf1")))

    admissions.heard(sar(kind), saa())

    assert (IMPI in kamailio.tables[TABLE]) is stays


@pytest.mark.req("S000-16")
def test_a_refusal_teaches_nothing(kamailio, admissions):
    admissions.heard(sar(), saa(PROFILE, names("waf1"), result=Result(5012)))

    assert kamailio.tables[TABLE] == {}


def test_the_answer_names_the_user_where_the_question_does_not(kamailio, admissions):
    admissions.heard(sar(impi=None), saa(Avp(USER_NAME, IMPI), PROFILE, names("waf1")))

    assert kamailio.tables[TABLE] == {IMPI: encoded("waf1")}


@pytest.mark.req("S000-21")
def test_a_pushed_list_replaces_the_one_before(kamailio, admissions):
    admissions.heard(sar(), saa(PROFILE, names("waf1", "waf2")))

    answered = admissions.replies(ppr(names("waf3")))

    assert [int.from_bytes(avp[-4:], "big") for avp in answered] == [2001]
    assert kamailio.tables[TABLE] == {IMPI: encoded("waf3")}
    assert kamailio.logged == [f"admitted.pushed impi={IMPI} names=waf3"]


@pytest.mark.req("S000-21")
@pytest.mark.parametrize("impi", [IMPI, None])
def test_a_list_for_somebody_unknown_is_reported_back(kamailio, admissions, impi):
    (answered,) = admissions.replies(ppr(names("waf3"), impi=impi))

    assert int.from_bytes(answered[-4:], "big") == 5001
    assert kamailio.tables[TABLE] == {}


@pytest.mark.req("S000-21")
@pytest.mark.parametrize(
    "more",
    [PROFILE, Avp(CHARGING_INFORMATION, (Avp(COLLECTION, "aaa://c", VENDOR_3GPP),), VENDOR_3GPP)],
    ids=["profile", "charging"],
)
def test_what_else_is_pushed_is_the_stack_s(kamailio, admissions, more):
    admissions.heard(sar(), saa(PROFILE, names("waf1")))

    assert admissions.replies(ppr(more)) is None
    assert kamailio.tables[TABLE] == {IMPI: encoded("waf1")}
    # the list counts all the same
    assert admissions.replies(ppr(names("waf2"), more)) is None
    assert kamailio.tables[TABLE] == {IMPI: encoded("waf2")}


def test_other_requests_of_the_hss_are_the_stack_s(admissions):
    assert admissions.replies(message(Command.REGISTRATION_TERMINATION, names("waf1"))) is None


@pytest.mark.req("S000-17")
def test_a_list_that_no_route_could_read_admits_nobody(kamailio, admissions):
    admissions.heard(sar(), saa(PROFILE, names(*(f"waf{n}.example" for n in range(400)))))

    assert kamailio.tables[TABLE] == {IMPI: "-"}
    assert kamailio.logged[0].startswith(f"admitted.too_long impi={IMPI} ")


def test_a_name_that_no_table_takes_is_an_error(admissions):
    with pytest.raises(ValueError, match="NUL"):
        admissions.heard(sar(impi="a\0b"), saa(PROFILE))
