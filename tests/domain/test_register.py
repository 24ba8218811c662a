"""Every REGISTER of the vectors ends as its vector says, whatever else is different."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epcscfd.domain.checks import CHECKS
from epcscfd.domain.decide import decide_register, explain_register
from epcscfd.domain.reasons import Reason
from epcscfd.domain.register import Forward, Reject
from tests.builders import a_case, a_token
from tests.domain.register_cases import case_of, told
from tests.vectors.loading import vectors


VECTORS = vectors("register.toml")


def ending(decision):
    return decision.reason if isinstance(decision, Reject) else None


@pytest.mark.parametrize("vector", VECTORS)
def test_register(vector):
    decision = decide_register(case_of(vector))

    assert vector.get("reason") == ending(decision)
    if not isinstance(decision, Reject):
        expected = vector["forward" if isinstance(decision, Forward) else "accept"]
        assert expected == {name: told(decision)[name] for name in expected}


@pytest.mark.parametrize("vector", VECTORS)
def test_what_is_irrelevant_moves_nothing(vector):
    case = case_of(vector)
    policy = case.policy
    facts = replace(case.request.facts, call_id="another")
    moved = replace(
        case,
        request=replace(case.request, facts=facts),
        policy=replace(
            policy,
            revision=policy.revision + 1,
            wwsfs=dict(reversed(policy.wwsfs.items())),
            entities=dict(reversed(policy.entities.items())),
            domains=dict(reversed(policy.domains.items())),
            subscriptions=dict(reversed(policy.subscriptions.items())),
        ),
    )

    assert decide_register(case) == decide_register(moved)


@pytest.mark.parametrize("vector", VECTORS)
def test_the_explanation_ends_with_the_decision(vector):
    case = case_of(vector)
    explanation = explain_register(case)

    assert ending(decide_register(case)) == explanation[-1].reason
    assert all(outcome.reason is None for outcome in explanation[:-1])
    assert [check.name for check in CHECKS[: len(explanation)]] == [
        outcome.name for outcome in explanation
    ]


def test_every_reason_has_a_vector():
    # That a header is too long shows only in a header that is too long for a vector.
    shown = {vector.values[0].get("reason") for vector in VECTORS} | {Reason.CREDENTIALS_TOO_LONG}

    assert set(Reason) == shown - {None}


@pytest.mark.parametrize("dropped", CHECKS, ids=lambda check: check.name)
def test_without_any_one_check_some_vector_fails(dropped):
    def refused_by_others(case):
        return any(check.judge(case) for check in CHECKS if check is not dropped)

    refusals = [case_of(vector.values[0]) for vector in VECTORS if "reason" in vector.values[0]]
    lost = [case for case in refusals if explain_register(case)[-1].name == dropped.name]

    assert lost
    # What only this check refuses would be forwarded without it, or could not even be judged.
    assert any(raises_or_passes(refused_by_others, case) for case in lost)


def raises_or_passes(refused, case):
    try:
        return not refused(case)
    except LookupError:
        return True


@pytest.mark.parametrize("part", ["token", "impi", "impu"])
def test_a_case_has_no_more_than_was_verified(part):
    case = a_case(assertion=a_token(impi=""))
    hollow = replace(
        case,
        request=replace(case.request, to=None),
        evidence=replace(case.evidence, assertion=None if part == "token" else a_token(impi="")),
    )

    with pytest.raises(LookupError):
        getattr(hollow, part)


@pytest.mark.req("S003-35")
def test_nobody_can_choose_another_flag_than_auth_done():
    flags = set()
    for vector in VECTORS:
        decision = decide_register(case_of(vector.values[0]))
        if isinstance(decision, Forward):
            flags.add(decision.authorization.split("integrity-protected=")[1].split(",")[0])

    assert flags == {'"auth-done"'}
