"""The core registers a user on the word of an entity only if the subscription admits it.

TS 33.203 X.3.2.3 and X.4.2.3 step 6, over the real I-CSCF, S-CSCF and HSS.
"""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from lab.core import ImsCore, Plan
from lab.cx import REFUSED, Assignment, Command
from lab.hss import Fault
from lab.rpc import RpcError
from lab.subscribers import Subscription
from lab.udp import UdpAgent, User


pytestmark = pytest.mark.kamailio

WAF, WWSF = "waf.partner.example", "shop@partner.example"
FIRST, AGAIN = Assignment.REGISTRATION, Assignment.RE_REGISTRATION
UNDONE, LEFT = Assignment.ADMINISTRATIVE_DEREGISTRATION, Assignment.USER_DEREGISTRATION


def assigned(core, user):
    """What the HSS was told of a user, in order."""
    told = [received.request.assignment for received in core.hss.commands(user.impi)]
    return [kind for kind in told if kind is not None]


def ending(edge, user, lives):
    """Make a REGISTER on the word of the WAF, with these lives."""
    contact = f"<{user.contact(edge.authority)}>"
    credentials = user.tna_credentials(f', authorization-entity="{WAF}"')
    given = [(name, value.format(contact)) for name, value in lives]
    return edge.register(user, [("Authorization", credentials), *given])


def wait_until_undone(core, user):
    core.hss.wait_for(
        lambda each: each.request.impi == user.impi and each.request.assignment is UNDONE,
        what="administrative deregistration",
    )


def refusals(core, user):
    """The reasons that the S-CSCF wrote down for a user, in order."""
    lines = [line for line in core.scscf.process.log.lines() if f"impi={user.impi} " in line]
    words = [line.partition("registration.refused why=")[2] for line in lines]
    return [word.partition(" from=")[0] for word in words if word]


@pytest.mark.req("S000-16", "S003-28")
@pytest.mark.parametrize("entity", [WAF, WWSF])
def test_an_admitted_entity_registers(core, subscribe, vouch, entity):
    user = subscribe(wafs=("other.example", WAF), wwsfs=(WWSF,))

    assert vouch(user, entity).status == 200
    assert core.scscf.registered(user.impu)
    assert core.hss.registrations()[user.impi] == core.scscf.uri
    # the first tells whom the subscription admits, the second is that of the registrar
    assert assigned(core, user) == [FIRST, FIRST]


@pytest.mark.req("S000-16", "S003-28")
def test_any_other_is_refused_and_undone_at_the_hss(core, subscribe, vouch):
    user = subscribe(wafs=(WAF,))

    response = vouch(user, "waf.stranger.example")

    assert response.start_line == "SIP/2.0 403 Forbidden"
    wait_until_undone(core, user)
    assert assigned(core, user) == [FIRST, UNDONE]
    assert user.impi not in core.hss.registrations()
    assert not core.scscf.registered(user.impu)
    assert refusals(core, user) == [
        f"entity_not_admitted entity=waf.stranger.example impi={user.impi} impu={user.impu}"
    ]


@pytest.mark.req("S000-16")
def test_a_refusal_leaves_a_registration_that_stands_alone(core, subscribe, vouch):
    user = subscribe(wafs=(WAF,))
    vouch(user, WAF)

    assert vouch(user, "waf.stranger.example").status == 403
    assert core.scscf.registered(user.impu)
    assert core.hss.registrations()[user.impi] == core.scscf.uri
    assert assigned(core, user) == [FIRST, FIRST]


@pytest.mark.req("S000-17")
def test_without_a_list_nobody_may_vouch(core, subscribe, vouch):
    user = subscribe()

    assert vouch(user, WAF).status == 403
    wait_until_undone(core, user)
    assert refusals(core, user)[0].startswith(f"no_list entity={WAF} ")


@pytest.mark.req("S000-18")
def test_a_list_does_not_matter_where_nobody_is_named(core, subscribe, register):
    user = subscribe(wafs=(WAF,))

    assert register(user).status == 200
    assert assigned(core, user) == [FIRST]


@pytest.mark.req("S003-30")
def test_no_entity_no_list_and_nobody_barred_is_accepted(core, subscribe, register):
    user = subscribe()

    assert register(user).status == 200
    assert core.scscf.registered(user.impu)


@pytest.mark.req("S000-19", "S003-29", "S003-31")
def test_a_barred_entity_is_refused_whatever_the_list_says(core, subscribe, vouch, bar):
    user = subscribe(wafs=(WAF,))

    bar(WAF, "a:b")

    assert vouch(user, WAF).status == 403
    assert assigned(core, user) == []
    assert refusals(core, user)[0].startswith(f"entity_barred entity={WAF} ")


@pytest.mark.req("S003-29")
def test_somebody_barred_does_not_matter_where_nobody_is_named(subscribe, register, bar):
    user = subscribe(wafs=(WAF,))

    bar(WAF)

    assert register(user).status == 200


@pytest.mark.req("S000-20", "S003-31")
def test_barring_hits_a_refresh_and_not_the_end(core, subscribe, vouch, bar):
    user = subscribe(wafs=(WAF,))
    assert vouch(user, WAF).status == 200

    bar(WAF)
    assert vouch(user, WAF).status == 403
    assert core.scscf.registered(user.impu)
    assert vouch(user, WAF, expires=0).status == 200
    core.scscf.wait_until_gone(user.impu)
    assert user.impi not in core.hss.registrations()
    assert vouch(user, WAF).status == 403

    bar()
    assert vouch(user, WAF).status == 200


@pytest.mark.req("S000-20")
@pytest.mark.parametrize(
    "lives",
    [
        pytest.param([("Expires", "0"), ("Contact", "{}")], id="header"),
        pytest.param([("Expires", "0"), ("Contact", "{};expires=0;q=1")], id="both"),
        pytest.param([("Contact", "{};expires=0")], id="contact"),
        pytest.param([("Expires", "0"), ("Contact", "*")], id="all"),
    ],
)
def test_an_end_is_one_in_every_form(core, subscribe, vouch, bar, edge, lives):
    user = subscribe(wafs=(WAF,))
    assert vouch(user, WAF).status == 200
    bar(WAF)

    assert edge.exchange(ending(edge, user, lives), core.icscf_addresses[0]).status == 200
    assert user.impi not in core.hss.registrations()


@pytest.mark.req("S000-20")
@pytest.mark.parametrize(
    "lives",
    [
        pytest.param([("Expires", "0"), ("Contact", "{};expires=600")], id="contact"),
        pytest.param(
            [("Expires", "0"), ("Contact", "{};expires=0"), ("Contact", "{};q=0.5;expires=60")],
            id="second contact",
        ),
        pytest.param([("Contact", "{};expires=0, <sip:x@127.0.0.1:9>")], id="one without"),
        pytest.param([("Expires", "600"), ("Contact", "{};expires=0")], id="header"),
    ],
)
def test_what_is_half_an_end_is_none_for_a_barred_entity(core, subscribe, vouch, bar, edge, lives):
    user = subscribe(wafs=(WAF,))
    bar(WAF)

    assert edge.exchange(ending(edge, user, lives), core.icscf_addresses[0]).status == 403
    assert not core.scscf.registered(user.impu)


@pytest.mark.req("S003-31")
def test_who_is_barred_stays_so_if_the_list_cannot_be_read(core, subscribe, vouch, bar):
    user = subscribe(wafs=(WAF,))
    bar(WAF)
    barred = core.scscf.process.launch.run_dir / "barred"
    seen = int(barred.stat().st_mtime)
    barred.write_text("nonsense")
    os.utime(barred, (seen + 1, seen + 1))

    with pytest.raises(RpcError, match="Htable reload failed"):
        core.scscf.rpc("htable.reload", "sc_barred")

    assert vouch(user, WAF).status == 403


@pytest.mark.req("S003-31")
def test_who_is_barred_stays_so_over_a_restart(core, subscribe, vouch, bar):
    user = subscribe(wafs=(WAF,))
    bar(WAF)

    core.scscf.process.stop()
    core.scscf.process.start()

    assert vouch(user, WAF).status == 403
    bar()
    assert vouch(user, WAF).status == 200


@pytest.mark.req("S000-21", "S000-22")
def test_a_pushed_list_replaces_the_one_in_use(core, subscribe, vouch):
    user = subscribe(wafs=(WAF,))
    assert vouch(user, WAF).status == 200

    assert core.hss.admit(user.impi, ("waf.next.example",), (WWSF,)) == 2001

    assert vouch(user, WAF).status == 403
    assert vouch(user, "waf.next.example").status == 200
    assert vouch(user, WWSF).status == 200
    assert assigned(core, user) == [FIRST, FIRST, AGAIN, AGAIN]


@pytest.mark.req("S000-21")
def test_a_list_for_somebody_who_is_not_registered_there_is_reported_back(
    core, subscribe, register
):
    user = subscribe()
    register(user)
    core.scscf.forget_admitted(user.impi)

    assert core.hss.admit(user.impi, (WAF,)) == 5001


@pytest.mark.req("S000-23")
def test_a_refresh_is_judged_by_what_is_remembered(core, subscribe, vouch):
    """The registrar says that it has the profile; so the HSS does not repeat the list."""
    user = subscribe(wafs=(WAF,))
    vouch(user, WAF)

    assert vouch(user, WAF).status == 200

    refresh = core.hss.commands(user.impi)[-1].request
    assert (refresh.assignment, refresh.has_profile) == (AGAIN, True)
    assert assigned(core, user) == [FIRST, FIRST, AGAIN]
    assert vouch(user, "waf.stranger.example").status == 403


@pytest.mark.req("S000-23")
def test_what_was_lost_is_asked_for_again(core, subscribe, vouch):
    user = subscribe(wafs=(WAF,))
    vouch(user, WAF)

    core.scscf.forget_admitted(user.impi)

    assert vouch(user, WAF).status == 200
    sars = [each.request for each in core.hss.commands(user.impi) if each.request.assignment]
    assert [(sar.assignment, sar.has_profile) for sar in sars[2:]] == [
        (AGAIN, False),
        (AGAIN, True),
    ]


@pytest.mark.req("S000-23")
def test_the_list_comes_with_a_registration_on_the_operators_word_as_well(
    core, subscribe, register, vouch
):
    user = subscribe(wafs=(WAF,))
    register(user)

    assert vouch(user, WAF).status == 200
    assert assigned(core, user) == [FIRST, AGAIN]


@pytest.mark.req("S000-24")
def test_an_entity_that_vouches_for_nobody_is_refused(core, subscribe, edge):
    user = subscribe(wafs=(WAF,))
    credentials = ending(edge, user, []).one("Authorization").replace(user.impi, "")
    request = edge.register(user, [("Authorization", credentials)])

    assert edge.exchange(request, core.icscf_addresses[0]).status in {400, 403}
    assert not core.scscf.registered(user.impu)


def test_a_relay_that_hangs_holds_up_nobody_but_those_who_register(
    core, subscribe, register, vouch, edge
):
    """No SIP worker waits for it: there are two, and more are asked than that."""
    watcher, user = subscribe(), subscribe(wafs=(WAF,))
    register(watcher)
    relay = relay_of(core.scscf.process)
    os.kill(relay, signal.SIGSTOP)
    try:
        with contextlib.ExitStack() as agents:
            for _ in range(4):
                agent = agents.enter_context(UdpAgent())
                agent.send(ending(agent, user, []), core.icscf_addresses[0])
            call = edge.request("MESSAGE", watcher.impu, watcher.impu)
            edge.send(call, ("127.0.0.1", int(core.scscf.uri.rpartition(":")[2])))
            assert edge.receive(1.0).one("Call-ID") == call.one("Call-ID")
            assert vouch(user, WAF).status == 504
    finally:
        os.kill(relay, signal.SIGCONT)

    assert vouch(user, WAF).status == 200


def relay_of(kamailio):
    """Return the process id of a CSCF's relay."""
    processes = kamailio.rpc("core.psx")
    return next(each["PID"] for each in processes if "cx_relay" in str(each))


def test_a_silent_hss_costs_an_answer_and_no_more(core, subscribe, register, vouch):
    user, other = subscribe(wafs=(WAF,)), subscribe()
    core.hss.set_fault(Command.SERVER_ASSIGNMENT, Fault(silent=True))
    try:
        assert vouch(user, WAF).status == 504
    finally:
        core.hss.set_fault(Command.SERVER_ASSIGNMENT, None)

    assert refusals(core, user)[0].startswith("no_answer ")
    assert register(other).status == 200
    assert vouch(user, WAF).status == 200


def test_a_refusal_of_the_hss_is_one(core, subscribe, vouch):
    user = subscribe(wafs=(WAF,))
    core.hss.set_fault(Command.SERVER_ASSIGNMENT, Fault(result=REFUSED))
    try:
        assert vouch(user, WAF).status == 403
    finally:
        core.hss.set_fault(Command.SERVER_ASSIGNMENT, None)

    assert refusals(core, user)[0].startswith("hss_5012 ")


@pytest.mark.req("S000-16")
def test_it_is_the_same_over_ipv6(tmp_path):
    user = User("six@ims.example", "sip:six@ims.example")
    admitting = Subscription(impi=user.impi, impus=(user.impu,), wafs=(WAF,))
    plan = Plan(host="::1", edges=("::1",), icscfs=1)
    with ImsCore(tmp_path, [admitting], plan) as core, UdpAgent("::1") as edge:

        def attempt(entity):
            credentials = user.tna_credentials(f', authorization-entity="{entity}"')
            asked = edge.register(user, [("Authorization", credentials)])
            return edge.exchange(asked, core.icscf_addresses[0]).status

        assert [attempt("waf.stranger.example"), attempt(WAF), attempt(WAF)] == [403, 200, 200]
        assert core.scscf.registered(user.impu)
