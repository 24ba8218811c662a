"""What a NOTIFY of the event package reg ends, and what of it is believed."""

from __future__ import annotations

import contextlib

from base64 import b64encode

import pytest

from hypothesis import given
from hypothesis import strategies as st

from authorizer.reginfo import Gone, NotReginfoError, canonical, gone, wildcards
from authorizer.roster import Roster
from authorizer.rows import coded
from tests.kemi.builders import a_binding


ALICE, CONTACT = "sip:alice@ims.example", "sip:a@x.invalid"


def reginfo(*registrations):
    inner = "".join(registrations)
    return (
        '<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="1"'
        f' state="partial">{inner}</reginfo>'
    ).encode()


def of(impu=ALICE, *contacts, state="active"):
    inner = "".join(contacts)
    return f'<registration aor="{impu}" id="r1" state="{state}">{inner}</registration>'


def contact(uri=CONTACT, event="registered", state="active"):
    return f'<contact id="c1" state="{state}" event="{event}"><uri>{uri}</uri></contact>'


def ended(event, uri=CONTACT):
    return contact(uri, event, "terminated")


@pytest.mark.parametrize("event", ["registered", "created", "refreshed", "shortened"])
def test_what_stands_ends_nothing(event):
    assert gone(reginfo(of(ALICE, contact(event=event)))) == []


@pytest.mark.req("SX-11")
@pytest.mark.parametrize(
    ("event", "by_client"),
    [
        ("deactivated", False),
        ("rejected", False),
        ("probation", False),
        ("unregistered", True),
        ("expired", True),
    ],
)
def test_a_contact_that_has_ended(event, by_client):
    body = reginfo(of(ALICE, ended(event)), of("sip:bob@ims.example", contact()))

    assert gone(body) == [Gone(ALICE, CONTACT, by_client)]


def test_an_identity_that_has_ended_without_a_word_on_its_contacts():
    """What Kamailio's S-CSCF says when the network ends a registration."""
    assert gone(reginfo(of(ALICE, state="terminated"))) == [Gone(ALICE, None, by_client=False)]


def test_what_is_escaped_is_read_as_it_was_meant():
    uri = "sip:a@x.invalid;transport=ws?a=1&amp;b=2"

    assert gone(reginfo(of(ALICE, ended("rejected", uri))))[0].contact == uri.replace("&amp;", "&")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<reginfo/>",
        reginfo()[:-3],
        b'<!DOCTYPE a [<!ENTITY b "b">]>' + reginfo(),
        reginfo("<!-- x -->"),
    ],
)
def test_anything_else_is_refused(body):
    with pytest.raises(NotReginfoError):
        gone(body)


@given(st.binary(max_size=200))
def test_whatever_comes_nothing_else_happens(body):
    with contextlib.suppress(NotReginfoError):
        gone(body)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sip:Alice@IMS.Example", "sip:Alice@ims.example"),
        ("SIP:alice@ims.example;user=phone", ALICE),
        (" sip:alice@ims.example ", ALICE),
        ("tel:+15550100", "tel:+15550100"),
    ],
)
def test_identities_are_compared_as_they_are_kept(written, meant):
    assert canonical(written) == meant


@pytest.fixture
def standing(ksr, kamailio):
    """Alice, over two connections; Bob, over one of his own."""
    for number, impu, uri in (
        (1, ALICE, CONTACT),
        (2, ALICE, "sip:b@x.invalid"),
        (3, "sip:bob@ims.example", CONTACT),
    ):
        key, row = a_binding(number, impu=impu, contact=uri)
        ksr.htable.sht_setxs("ep_binding", key, row, 600)
        ksr.htable.sht_seti("ep_life", key, 700)
        ksr.htable.sht_sets("ep_device", f"c|{coded(impu)}|{coded(uri)}", str(number))
    return Roster(kamailio)


def notify(roster, *registrations):
    roster.notified(b64encode(reginfo(*registrations)).decode())


def ids_ended(ksr):
    return {(v["ep_id"], v["ep_cause"], v["ep_silent"]) for name, v in ksr.ran if "END" in name}


def closed(ksr):
    return {variables["ep_closing"] for name, variables in ksr.ran if name == "EPCSCF_CLOSE"}


def test_the_contact_that_is_named_ends_and_its_connection(ksr, standing):
    notify(standing, of(ALICE, ended("deactivated"), contact("sip:b@x.invalid")))

    assert ids_ended(ksr) == {(f"1|{coded(ALICE)}", "network", 1)}
    assert closed(ksr) == {1}


def test_all_of_an_identity_end_if_none_is_named(ksr, standing):
    notify(standing, of(ALICE, state="terminated"))

    assert {each[0] for each in ids_ended(ksr)} == {f"{n}|{coded(ALICE)}" for n in (1, 2)}


def test_a_connection_on_which_something_stands_stays(ksr, standing):
    ksr.htable.sht_sets("ep_flow", "1", "x")
    notify(standing, of(ALICE, ended("deactivated")))

    assert ids_ended(ksr)
    assert closed(ksr) == set()


@pytest.mark.parametrize("event", ["unregistered", "expired"])
def test_what_other_devices_let_end_ends_here(ksr, standing, event):
    notify(standing, of(ALICE, ended(event)))

    assert {each[0] for each in ids_ended(ksr)} == {f"1|{coded(ALICE)}"}


@pytest.mark.parametrize(("event", "ends"), [("unregistered", False), ("deactivated", True)])
def test_the_late_news_of_an_end_does_not_end_what_began_after_it(ksr, standing, event, ends):
    ksr.htable.sht_seti("ep_life", f"1|{coded(ALICE)}", 604)
    notify(standing, of(ALICE, ended(event)))

    assert bool(ids_ended(ksr)) is ends


def test_who_said_star_ends_on_other_connections_too(ksr, standing):
    key = f"1|{coded(ALICE)}"
    standing.leave(key)
    standing.all_left(key)

    assert ids_ended(ksr) == {(f"2|{coded(ALICE)}", "client", 1)}


def test_a_body_that_cannot_be_read_is_noted(ksr, standing):
    standing.notified(b64encode(b"nonsense").decode())

    assert ids_ended(ksr) == set()
    assert any("regevent.malformed" in line for line in ksr.logged)


def wildcarded(text, impu="sip:any@ims.example", state="active"):
    extension = "urn:3gpp:ns:extRegInfo:1.0"
    inner = f'<e:wildcardedIdentity xmlns:e="{extension}"> {text} </e:wildcardedIdentity>'
    return of(impu, inner, state=state)


RANGE = "sip:wic!.*!@ims.example"


@pytest.mark.req("S002-25")
def test_ranges_are_read_out_of_what_tells_everything():
    full = reginfo(of(), wildcarded(RANGE)).replace(b"partial", b"full")
    ended = reginfo(of(), wildcarded(RANGE, state="terminated")).replace(b"partial", b"full")

    assert wildcards(full) == ({ALICE, "sip:any@ims.example"}, [RANGE])
    assert wildcards(reginfo(of(), wildcarded(RANGE))) == (set(), [])
    assert wildcards(ended) == ({ALICE}, [])
