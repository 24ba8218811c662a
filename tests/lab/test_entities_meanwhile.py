"""What happens to a REGISTER while the HSS is asked about its entity."""

from __future__ import annotations

import contextlib

import pytest

from lab.cx import Assignment, Command
from lab.hss import Fault
from lab.udp import UdpAgent


pytestmark = pytest.mark.kamailio

WAF = "waf.partner.example"
UNDONE = Assignment.ADMINISTRATIVE_DEREGISTRATION


@pytest.fixture
def asking(core):
    """Register on the word of an entity; the HSS holds its answer back, once, until told."""

    @contextlib.contextmanager
    def begin(user, entity):
        core.hss.set_fault(Command.SERVER_ASSIGNMENT, Fault(seconds_late=60))
        with UdpAgent() as agent:
            credentials = user.tna_credentials(f', authorization-entity="{entity}"')
            request = agent.register(user, [("Authorization", credentials)])
            before = len(assigned(core, user))
            agent.send(request, core.icscf_addresses[0])
            core.hss.wait_for(lambda _: len(assigned(core, user)) > before)
            core.hss.set_fault(Command.SERVER_ASSIGNMENT, None)

            def end():
                core.hss.hurry()
                # the I-CSCF may have said 100 before
                while (answer := agent.receive()).status < 200:
                    pass
                return answer.status

            yield end
        core.hss.set_fault(Command.SERVER_ASSIGNMENT, None)

    return begin


def assigned(core, user):
    told = [each.request.assignment for each in core.hss.commands(user.impi)]
    return [kind for kind in told if kind is not None]


def undone(core, user):
    return assigned(core, user).count(UNDONE)


@pytest.mark.req("S000-19", "S003-31")
def test_who_is_barred_meanwhile_is_refused(core, subscribe, bar, asking):
    user = subscribe(wafs=(WAF,))
    with asking(user, WAF) as end:
        bar(WAF)

        assert end() == 403

    core.hss.wait_for(lambda each: each.request.impi == user.impi and undone(core, user) == 1)
    assert not core.scscf.registered(user.impu)


@pytest.mark.req("S000-16")
def test_a_registration_that_was_made_meanwhile_is_not_undone(
    core, subscribe, register, vouch, asking
):
    user = subscribe(wafs=(WAF,))
    with asking(user, "waf.stranger.example") as end:
        assert register(user).status == 200

        assert end() == 403

    # whatever had been queued before this one has been said to the HSS
    assert vouch(subscribe(), WAF).status == 403
    assert undone(core, user) == 0
    assert core.hss.registrations()[user.impi] == core.scscf.uri
    assert core.scscf.registered(user.impu)


@pytest.mark.req("S000-16")
def test_two_at_a_time_are_judged_each_by_its_own_entity(core, subscribe, vouch, asking):
    user = subscribe(wafs=(WAF,))
    with asking(user, "waf.stranger.example") as stranger, asking(user, WAF) as admitted:
        assert admitted() == 200
        assert stranger() == 403

    assert core.scscf.registered(user.impu)
    assert undone(core, user) == 0
    assert vouch(user, WAF).status == 200
