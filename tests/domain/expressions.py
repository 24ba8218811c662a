"""Expressions and user parts to try them on, as strategies."""

from __future__ import annotations

from hypothesis import strategies as st


# What POSIX and Python understand alike.
_atoms = st.sampled_from(["a", "b", "7", "[a-c]", "[^a]", "(ab|b)", "(a|)", "."])
_pieces = st.builds(
    str.__add__, _atoms, st.sampled_from(["", "*", "+", "?", "{2}", "{1,2}", "{1,}", "{0}"])
)
expressions = st.lists(_pieces, min_size=1, max_size=4).map("".join)
users = st.text("abc7.!", max_size=8)
