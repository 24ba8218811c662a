"""The name of an entity is the one that the list has, to the letter, or another."""

from __future__ import annotations

import pytest


pytestmark = pytest.mark.kamailio

WAF, WWSF = "waf.partner.example", "shop@partner.example"


@pytest.mark.req("S000-19", "S000-24")
def test_a_barred_entity_is_meant_to_the_letter(subscribe, vouch, bar):
    user = subscribe(wafs=(WAF, "a:b"))

    bar(WAF.upper(), f"{WAF}.", "partner.example", "a:b")

    assert vouch(user, WAF).status == 200
    assert vouch(user, "a:b").status == 403


@pytest.mark.req("S000-24")
@pytest.mark.parametrize(
    "near",
    [
        "Waf.partner.example",
        "waf.partner.example.",
        "waf.partner.exampl",
        "waf.partner.example.evil",
        "evil.waf.partner.example",
        " waf.partner.example",
        "waf.partner.example ",
        "waf.partner.example,second.example",
        "77",
        "?",
        "-",
    ],
)
def test_names_are_compared_to_the_letter(core, subscribe, vouch, near):
    user = subscribe(wafs=(WAF, "second.example"))

    assert vouch(user, near).status == 403
    assert not core.scscf.registered(user.impu)


@pytest.mark.req("S000-24")
@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("plain.example", '"plain.example"'),
        ("plain.example", r'"plain\.example"'),
        ('with "quotes"', r'"with \"quotes\""'),
        ("with\\slash", r'"with\\slash"'),
        ("a,b", '"a,b"'),
        ("a:b|c;d=e", '"a:b|c;d=e"'),
        ("größe.example", '"größe.example"'),
        ("w", '"w"'),
    ],
)
def test_names_are_compared_without_their_quotes(subscribe, vouch, name, quoted):
    user = subscribe(wafs=("first.example", name))

    assert vouch(user, "", quoted=quoted).status == 200


@pytest.mark.req("S000-24")
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"{WAF}", id="bare"),
        pytest.param('""', id="empty"),
        pytest.param(f'"{WAF}', id="open"),
        pytest.param(f'"{WAF}", authorization-entity="{WWSF}"', id="two"),
        pytest.param(f'"{WAF}" x', id="rest"),
        pytest.param(f'"{WAF}\\"', id="never closed"),
    ],
)
def test_what_cannot_be_read_is_not_passed_over(core, subscribe, vouch, value):
    user = subscribe(wafs=(WAF, WWSF))

    assert vouch(user, "", quoted=value).status == 400
    assert not core.scscf.registered(user.impu)


@pytest.mark.req("S000-24")
def test_a_name_of_any_length_is_checked(core, subscribe, vouch):
    user = subscribe(wafs=(WAF,))

    assert vouch(user, "x" * 9000).status in {400, 403}
    assert not core.scscf.registered(user.impu)


@pytest.mark.req("S000-24")
@pytest.mark.parametrize("before", ["\t", "\r\n ", ""])
def test_a_parameter_in_disguise_is_not_passed_over(core, subscribe, edge, before):
    user = subscribe()
    named = user.tna_credentials(f',{before}Authorization-Entity="{WAF}"')
    request = edge.register(user, [("Authorization", named)])

    assert edge.exchange(request, core.icscf_addresses[0]).status in {400, 403}
    assert not core.scscf.registered(user.impu)
