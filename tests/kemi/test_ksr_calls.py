from __future__ import annotations

import pytest

from authorizer.kamailio import Kamailio
from tests.fakes.ksr import Resumed


def test_records_are_taken_oldest_first(ksr, kamailio):
    for transaction in ("1:1", "2:2"):
        ksr.suspend(transaction, f"record {transaction}")

    assert list(kamailio.fetch("ep_ask")) == [("1:1", "record 1:1"), ("2:2", "record 2:2")]
    assert list(kamailio.fetch("ep_ask")) == []


@pytest.mark.parametrize("transaction", ["0:0", "65535:2147483647", "4294967295:2147483648"])
def test_a_transaction_is_resumed_by_the_numbers_of_tm(ksr, kamailio, transaction):
    """tm counts to 2^32 and variables of Kamailio to 2^31."""
    ksr.suspend(transaction, "")

    kamailio.resume(transaction, "a row")

    assert ksr.resumed == [Resumed(transaction, "a row")]


def test_a_transaction_is_not_resumed_twice_unnoticed(ksr, kamailio):
    ksr.suspend("1:1", "")
    kamailio.resume("1:1", "")

    with pytest.raises(KeyError):
        kamailio.resume("1:1", "")


def test_a_row_lives_as_long_as_it_was_given(ksr, kamailio, time):
    assert kamailio.keep("ep_verdict", "k", "row", 30)
    time.pass_by(29)
    assert ksr.htable.content("ep_verdict") == {"k": "row"}
    time.pass_by(2)

    assert ksr.htable.content("ep_verdict") == {}


def test_a_row_that_was_not_stored_is_told(ksr, kamailio):
    ksr.htable.has_memory = False

    assert not kamailio.keep("ep_verdict", "k", "row", 30)


def test_the_sign_of_life_dies_by_itself(ksr, kamailio, time):
    kamailio.show_up()
    assert ksr.htable.content("ep_pulse") == {"authorizer": 1}
    time.pass_by(2)

    assert ksr.htable.content("ep_pulse") == {}


def test_what_the_routes_look_up_stays(ksr, kamailio, time):
    kamailio.write("ep_stamp", "shop/waf|1", "1")
    time.pass_by(365 * 86400)
    assert ksr.htable.content("ep_stamp") == {"shop/waf|1": "1"}
    kamailio.drop("ep_stamp", "shop/waf|1")

    assert ksr.htable.content("ep_stamp") == {}


def test_a_table_is_read_whole(ksr, kamailio):
    assert kamailio.rows("ep_origin") == {}
    kamailio.write("ep_origin", "https://a.example", "a")
    kamailio.write("ep_origin", "https://b.example", "b")

    # Another process writes and reads the same memory.
    read = Kamailio(ksr).rows("ep_origin")
    assert read == {"https://a.example": "a", "https://b.example": "b"}


def test_log_lines_say_whose_they_are(ksr, kamailio):
    kamailio.note("policy.applied")
    kamailio.warn("sidecar.lost")

    assert ksr.logged == ["notice epcscf policy.applied\n", "warn epcscf sidecar.lost\n"]
