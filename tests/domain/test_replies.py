"""How each reason is told: the failure table, written once more and from the other side.

Rows are those of the table in the standards' notes: by number, what the WIC gets.
"""

from __future__ import annotations

import pytest

from epcscfd.domain.reasons import Connection, Reason
from epcscfd.domain.replies import REPLIES, Challenge, Lasting


FAILURES = {
    "F1": (401, Challenge.PLAIN, Connection.KEEP),
    "F2": (400, Challenge.NONE, Connection.CLOSE),
    "F3": (401, Challenge.INVALID_TOKEN, Connection.CLOSE),
    "F4": (401, Challenge.INVALID_TOKEN, Connection.KEEP_IF_REGISTERED),
    "F5": (401, Challenge.INVALID_TOKEN, Connection.CLOSE),
    "F6": (401, Challenge.INVALID_TOKEN, Connection.CLOSE),
    "F7": (401, Challenge.INVALID_SCOPE, Connection.CLOSE),
    "F8": (403, Challenge.NONE, Connection.CLOSE),
    "F9": (403, Challenge.NONE, Connection.CLOSE),
    "F10": (403, Challenge.NONE, Connection.CLOSE),
    "F11": (403, Challenge.NONE, Connection.CLOSE),
    "F12": (403, Challenge.NONE, Connection.CLOSE),
    "a known range that is not in use": (403, Challenge.NONE, Connection.CLOSE),
    "a block that is not registered": (403, Challenge.NONE, Connection.CLOSE),
    "F13": (403, Challenge.NONE, Connection.CLOSE),
    "F14": (504, Challenge.NONE, Connection.KEEP),
    "F15": (503, Challenge.NONE, Connection.KEEP),
    "F16": (500, Challenge.NONE, Connection.KEEP),
    "F17": (401, Challenge.INVALID_TOKEN, Connection.CLOSE),
}

ROWS = {
    "F1": ["credentials_missing", "credentials_other_scheme"],
    "F2": ["credentials_malformed", "credentials_too_long", "to_malformed"],
    "F3": [
        "token_malformed",
        "token_header_refused",
        "token_type_refused",
        "algorithm_refused",
        "key_unknown",
        "signature_invalid",
        "token_revoked",
        "claims_malformed",
        "token_inactive",
        "life_too_long",
        "binding_unknown",
        "binding_mismatch",
    ],
    "F4": ["token_expired"],
    "F5": ["token_not_yet_valid"],
    "F6": ["entity_unknown", "entity_ambiguous", "audience_mismatch"],
    "F7": ["scope_insufficient"],
    "F8": ["identity_not_asserted"],
    "F9": ["impi_missing", "impu_missing", "identity_malformed"],
    "F10": [
        "wwsf_unknown",
        "wwsf_mismatch",
        "entity_not_allowed",
        "entity_unnamed",
        "tokens_not_taken",
    ],
    "F11": ["wwsf_suspended", "entity_barred"],
    "F12": [
        "impi_wildcarded",
        "identity_not_owned",
        "identity_outside_ranges",
        "impi_outside_pool",
        "identity_contested",
        "identity_unproven",
    ],
    "a known range that is not in use": ["range_not_enabled"],
    "a block that is not registered": ["block_not_registered"],
    "F13": ["domain_not_served"],
    "F14": ["keys_unreachable", "introspection_unreachable"],
    "F15": ["overloaded"],
    "F16": ["introspection_refused"],
    "F17": ["token_replayed"],
}

PASSING = {
    "block_not_registered",
    "key_unknown",
    "binding_mismatch",
    "token_expired",
    "token_not_yet_valid",
    "keys_unreachable",
    "introspection_unreachable",
    "introspection_refused",
    "token_inactive",
    "overloaded",
    "token_replayed",
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_failure_table_is_told_as_it_says(row):
    answers = [REPLIES[Reason(reason)].answer for reason in ROWS[row]]

    assert {FAILURES[row]} == {(a.status, a.challenge, a.connection) for a in answers}


def test_every_reason_is_in_one_row_and_has_its_reply():
    assert sorted(Reason) == sorted(reason for reasons in ROWS.values() for reason in reasons)
    assert set(Reason) == set(REPLIES)


def test_only_what_key_and_policy_decide_is_kept():
    assert {
        reason for reason, reply in REPLIES.items() if reply.lasting is Lasting.PASSING
    } == PASSING


def test_no_reason_is_told_as_success():
    assert all(reply.answer.status >= 400 for reply in REPLIES.values())


def test_the_phrase_says_no_more_than_the_status():
    phrases = {(reply.answer.status, reply.answer.phrase) for reply in REPLIES.values()}

    assert len(phrases) == len({status for status, _ in phrases})


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_one_sentence_of_advice(reason):
    advice = REPLIES[reason].advice

    assert advice[0].isupper() or advice[0] == "`"
    assert advice.endswith(".")
    assert "\n" not in advice
