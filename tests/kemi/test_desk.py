from __future__ import annotations

from collections import Counter

import pytest

from hypothesis import given
from hypothesis import strategies as st

from authorizer import desk as desk_module
from authorizer.desk import Desk
from tests.kemi.builders import a_question


BLANK = a_question()


def question(key, transaction):
    return BLANK._replace(key=key, transaction=transaction)


@pytest.fixture
def desk():
    return Desk()


def test_the_first_of_equal_questions_is_asked_and_the_others_follow(desk):
    first = desk.put(question("k", "1:1"), 10)

    assert desk.put(question("k", "2:2"), 10) is None
    assert desk.put(question("k", "3:3"), 10) is None
    assert len(desk) == 1
    assert desk.get(first.id).transactions == ["1:1", "2:2", "3:3"]


def test_different_questions_have_different_numbers(desk):
    numbers = {desk.put(question(key, "1:1"), 10).id for key in "abc"}

    assert len(numbers) == len(desk) == 3


def test_a_question_is_taken_once(desk):
    opened = desk.put(question("k", "1:1"), 10)

    assert desk.take(opened.id) is opened
    assert desk.take(opened.id) is None
    assert desk.get(opened.id) is None
    assert desk.open() == []


def test_who_comes_after_the_answer_is_asked_about_anew(desk):
    first = desk.put(question("k", "1:1"), 10)
    desk.take(first.id)

    assert desk.put(question("k", "2:2"), 10).id != first.id


def test_overdue_is_what_has_waited_until_its_time(desk):
    early, late = desk.put(question("a", "1:1"), 10), desk.put(question("b", "2:2"), 11)

    assert desk.take_overdue(9.9) == []
    assert desk.take_overdue(10) == [early]
    assert desk.take_overdue(10) == []
    assert desk.take_overdue(11) == [late]


def test_what_was_given_up_is_known_for_a_while_without_its_token(desk, monkeypatch):
    monkeypatch.setattr(desk_module, "LATE_AT_MOST", 2)
    opened = [desk.put(question(key, "1:1"), 10) for key in "abc"]
    desk.take_overdue(10)

    assert desk.take_late(opened[0].id) is None
    late = desk.take_late(opened[1].id)
    assert (late.question.key, late.question.authorization) == ("b", "")
    assert desk.take_late(opened[1].id) is None
    desk.forget_late()
    assert desk.take_late(opened[2].id) is None


def test_overdue_is_found_behind_what_may_wait_longer(desk):
    """Followers that ask for themselves keep the patience of the one that they followed."""
    desk.put(question("a", "1:1"), 20)
    reopened = desk.put(question("b", "2:2"), 10)

    assert desk.take_overdue(10) == [reopened]


keys = st.sampled_from("abcd")
operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), keys, st.integers(0, 9)),
        st.tuples(st.just("take"), st.integers(1, 30)),
        st.tuples(st.just("overdue"), st.integers(0, 9)),
    ),
    max_size=60,
)


@given(operations)
def test_whatever_is_done_each_question_leaves_once(steps):
    desk, left, put = Desk(), Counter(), 0
    for step in steps:
        match step:
            case ("put", key, give_up_at):
                put += 1
                desk.put(question(key, f"{put}:0"), give_up_at)
            case ("take", number):
                opened = desk.take(number)
                left.update(opened.transactions if opened else [])
            case ("overdue", now):
                left.update(each for one in desk.take_overdue(now) for each in one.transactions)
                assert [one for one in desk.open() if one.give_up_at <= now] == []
        assert len({one.question.key for one in desk.open()}) == len(desk)
    left.update(each for one in desk.open() for each in one.transactions)

    assert left == Counter(f"{number}:0" for number in range(1, put + 1))
