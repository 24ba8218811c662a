"""What a browser answers goes back the way that the request came (TS 24.229 5.2.6.4.4).

Via and Record-Route are its own word by then: they would say which way the core sends the
answer, and the caller all that follows.
"""

from __future__ import annotations

import pytest

from lab.calling import Dialog, ack_of, answer, deliver, is_answer, is_request, new_request


EVIL = "<sip:evil.example:5060;lr>"


def with_all(request, name, values):
    """Make it a request with these values of a header."""
    return request.without(name).plus(*(f"{name}: {value}" for value in values))


def routes(change):
    """Alter the list of Record-Route."""
    return lambda request: with_all(
        request, "Record-Route", change(list(request.all("Record-Route")))
    )


def vias(change):
    """Alter the list of Via."""
    return lambda request: with_all(request, "Via", change(list(request.all("Via"))))


ALTERED = {
    "a hop more at the end": routes(lambda values: [*values, EVIL]),
    "a hop more at the start": routes(lambda values: [EVIL, *values]),
    "a hop more in between": routes(lambda values: [*values[:2], EVIL, *values[2:]]),
    "another hop instead of the core": routes(lambda values: [*values[:-1], EVIL]),
    "without the core": routes(lambda values: values[:-1]),
    "without this node": routes(lambda values: values[2:]),
    "no hops": routes(lambda values: values[:0]),
    "another sender": vias(
        lambda values: [*values[:-1], "SIP/2.0/UDP evil.example:5060;branch=z9"]
    ),
    "a sender less": vias(lambda values: values[:-1]),
    "a sender more": vias(lambda values: [*values, "SIP/2.0/UDP evil.example:5060;branch=z9"]),
}


def reordered(value):
    """Write the parameters of the URI in another order."""
    uri, *params = value.strip("<>").split(";")
    return f"<{';'.join([uri, *reversed(params)])}>"


AS_GOOD = {
    "in one header": routes(lambda values: [" , ".join(values)]),
    "parameters in another order": routes(lambda values: [reordered(value) for value in values]),
    "folded": vias(lambda values: [value.replace(";", "\r\n ;", 1) for value in values]),
}


def each(cases):
    return pytest.mark.parametrize("alter", cases.values(), ids=cases.keys())


@pytest.mark.req("S001-35", "S001-36")
@each(ALTERED)
async def test_an_answer_that_would_go_another_way_comes_to_nothing(wic, phone, user, alter):
    invite = new_request(phone, "INVITE", (phone.impu, user.impu))
    arrived = await deliver(phone, invite, wic)
    await answer(wic, alter(arrived), 200)
    refused = await phone.expect(is_answer(invite))
    await phone.send(ack_of(invite, refused).to_bytes())

    assert refused.status == 500
    assert "evil.example" not in "".join(map(str, phone.heard))


@pytest.mark.req("S001-35", "S001-36")
@pytest.mark.parametrize("alter", [ALTERED["a hop more at the end"], ALTERED["another sender"]])
async def test_a_provisional_one_is_dropped_and_the_call_goes_on(wic, phone, user, alter):
    invite = new_request(phone, "INVITE", (phone.impu, user.impu))
    arrived = await deliver(phone, invite, wic)
    await answer(wic, alter(arrived), 180)
    await answer(wic, arrived, 183)
    await phone.expect(is_answer(invite, 183, 183))
    await answer(wic, arrived, 486)
    refused = await phone.expect(is_answer(invite))
    await phone.send(ack_of(invite, refused).to_bytes())

    assert refused.status == 486
    assert not [message for message in phone.heard if message.status == 180]


@pytest.mark.req("S001-35", "S001-36")
@each(AS_GOOD)
async def test_stacks_may_write_it_as_they_like(wic, phone, user, alter):
    invite = new_request(phone, "INVITE", (phone.impu, user.impu))
    arrived = await deliver(phone, invite, wic)
    await answer(wic, alter(arrived), 200)
    accepted = await phone.expect(is_answer(invite))
    assert accepted.status == 200
    dialog = Dialog.of_caller(phone, invite, accepted)
    await dialog.acknowledge()
    await wic.expect(is_request("ACK", invite.one("Call-ID")))
    await phone.send((bye := dialog.request("BYE")).to_bytes())
    await answer(wic, await wic.expect(is_request("BYE", invite.one("Call-ID"))), 200)
    assert (await phone.expect(is_answer(bye))).status == 200


@pytest.mark.req("S001-36")
async def test_an_answer_within_a_dialog_does_not_change_its_way(wic, phone, user):
    invite = new_request(phone, "INVITE", (phone.impu, user.impu))
    arrived = await deliver(phone, invite, wic)
    await answer(wic, arrived, 200)
    dialog = Dialog.of_caller(phone, invite, await phone.expect(is_answer(invite)))
    await dialog.acknowledge()
    await phone.send((change := dialog.request("INVITE")).to_bytes())
    await answer(wic, await wic.expect(is_request("INVITE"), 2), 200, [("Record-Route", EVIL)])
    changed = await phone.expect(is_answer(change))

    assert (changed.status, changed.all("Record-Route")) == (200, ())
    await dialog.acknowledge()
    await phone.send((bye := dialog.request("BYE")).to_bytes())
    await answer(wic, await wic.expect(is_request("BYE", invite.one("Call-ID"))), 200)
    assert (await phone.expect(is_answer(bye))).status == 200
