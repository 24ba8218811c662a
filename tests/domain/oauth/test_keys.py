"""When keys sign and when they are published: at every moment, whatever was rotated when."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.oauth.keys import KeySchedule, SigningKey
from tests.builders import NOW, from_now


SCHEDULE = KeySchedule(
    key_life=timedelta(seconds=1000),
    publish_ahead=timedelta(seconds=100),
    longest_token=timedelta(seconds=300),
)
STEPS = st.lists(st.tuples(st.integers(1, 1500), st.booleans()), min_size=1, max_size=25)


@given(steps=STEPS)
def test_whoever_has_fetched_lately_knows_the_key_of_every_living_token(
    steps: list[tuple[int, bool]],
) -> None:
    """Time goes on in steps; at each the keys are looked after, and perhaps rotated by hand."""
    keys: tuple[SigningKey, ...] = ()
    elapsed = 0
    living: list[tuple[str, int]] = []
    seen: set[str] = set()
    for step, by_hand in steps:
        elapsed += step
        now = from_now(elapsed)
        if by_hand or SCHEDULE.is_next_due(keys, now):
            signs_from = SCHEDULE.next_signs_from(keys, now)
            keys += (SigningKey(len(keys) + 1, f"k{len(keys) + 1}", b"", signs_from),)
        published = {key.kid for key in SCHEDULE.published(keys, now)}
        current = SCHEDULE.current(keys, now)

        assert current is not None
        assert current.kid in published
        # the first of all has to sign at once; any other was seen before
        assert current.kid == "k1" or current.kid in seen or step >= 100
        living = [(kid, end) for kid, end in living if end > elapsed]
        living.append((current.kid, elapsed + 300))
        assert {kid for kid, _ in living} <= published
        seen = published


def test_a_compromised_key_neither_signs_nor_is_published() -> None:
    bad = SigningKey(1, "bad", b"", NOW, compromised=True)

    assert SCHEDULE.current([bad], NOW) is None
    assert SCHEDULE.published([bad], NOW) == ()
    assert SCHEDULE.is_next_due([bad], NOW)
    assert SCHEDULE.next_signs_from([bad], NOW) == NOW
