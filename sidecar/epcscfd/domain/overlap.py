"""Overlaps: whether two ranges have an identity in common.

Where two WWSFs could both own an identity, nobody would (TS 23.003 knows no precedence among
wildcards), so this is asked whenever a range is provisioned.

* Each side is an automaton with a transition per character, not made deterministic: that keeps
  it as small as the expression, where `[0-9]*1[0-9]{20}` would have two million states.
* The two are walked at once, shortest texts first. What is found is an example to be shown.
* The walk is bounded. Whoever writes what cannot be told apart within it has to write it simpler.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from epcscfd.domain.expression import Choice, Node, OneOf, Repeat, Sequence, parse_expression
from epcscfd.domain.identity import NUMBER_CHARACTERS, USER_CHARACTERS, Impu
from epcscfd.domain.ranges import IdentityRange, beginnings
from epcscfd.domain.wildcard import WildcardedIdentity


MOST_STATES = 4096
"Of one automaton: several times what an expression of numbers or names has."


class TooComplex(Exception):  # noqa: N818 - named for what is wrong
    """It cannot be told within bounds."""


@dataclass(slots=True)
class Effort:
    """How many steps a walk, or all walks of one edit together, may take."""

    steps_left: int = 200_000
    "Some tenths of a second."

    def spend(self, steps: int) -> None:
        """Take *steps*. Raise TooComplex."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise TooComplex


def common_identity(one: IdentityRange, other: IdentityRange, effort: Effort) -> Impu | None:
    """Find an identity that lies in both; the shortest, if there are many. Raise TooComplex."""
    mine, theirs = one.identities, other.identities
    if isinstance(mine, Impu):
        return mine if other.holds(mine) else None
    if isinstance(theirs, Impu):
        return theirs if one.holds(theirs) else None
    return _common_to_wildcards(mine, theirs, effort)


def _common_to_wildcards(
    one: WildcardedIdentity, other: WildcardedIdentity, effort: Effort
) -> Impu | None:
    # What most pairs differ in, and what costs next to nothing.
    if not (_begin_alike(one, other) and _end_alike(one.suffix, other.suffix)):
        return None
    user = _common_text(_automaton(one, effort), _automaton(other, effort), effort)
    return None if user is None else Impu(one.scheme, user, one.domain)


def _begin_alike(one: WildcardedIdentity, other: WildcardedIdentity) -> bool:
    if (one.scheme, one.domain) != (other.scheme, other.domain):
        return False
    return any(
        begin.startswith(other_begin) or other_begin.startswith(begin)
        for begin, other_begin in product(beginnings(one), beginnings(other))
    )


def _end_alike(suffix: str, other: str) -> bool:
    return suffix.endswith(other) or other.endswith(suffix)


_Move = tuple[frozenset[str], int]


@dataclass(slots=True)
class _Automaton:
    """States are numbers; 0 is the first, `last` the only one that accepts."""

    alphabet: frozenset[str]
    effort: Effort
    moves: list[list[_Move]] = field(default_factory=lambda: [[]])
    skips: list[list[int]] = field(default_factory=lambda: [[]])
    "Moves that consume nothing."
    last: int = 0
    _reached: dict[int, tuple[tuple[_Move, ...], bool]] = field(default_factory=dict)

    def add_state(self) -> int:
        """Make another state."""
        self.effort.spend(1)
        if len(self.moves) == MOST_STATES:
            raise TooComplex
        self.moves.append([])
        self.skips.append([])
        return len(self.moves) - 1

    def from_state(self, state: int) -> tuple[tuple[_Move, ...], bool]:
        """Give the moves from *state*, skips taken, and whether a text may end there."""
        if state not in self._reached:
            seen = [state]
            known = {state}
            for each in seen:
                fresh = [skip for skip in self.skips[each] if skip not in known]
                known.update(fresh)
                seen.extend(fresh)
            self.effort.spend(len(seen))
            moves = tuple(move for each in seen for move in self.moves[each])
            self._reached[state] = (moves, self.last in known)
        return self._reached[state]

    def add(self, node: Node, start: int) -> int:
        """Lead from *start* through *node*; give the state behind it."""
        match node:
            case OneOf(characters):
                end = self.add_state()
                self.moves[start].append((characters & self.alphabet, end))
                return end
            case Sequence(parts):
                for part in parts:
                    start = self.add(part, start)
                return start
            case Choice(options):
                ends = [self.add(option, start) for option in options]
                end = self.add_state()
                for each in ends:
                    self.skips[each].append(end)
                return end
            case Repeat():
                return self._add_repeat(node, start)

    def _add_repeat(self, node: Repeat, start: int) -> int:
        for _ in range(node.least):
            start = self.add(node.part, start)
        if node.most is None:
            # A state of its own: *start* may have other ways out, which must not be in the loop.
            loop = self.add_state()
            self.skips[start].append(loop)
            self.skips[self.add(node.part, loop)].append(loop)
            return loop
        end = self.add_state()
        for _ in range(node.most - node.least):
            self.skips[start].append(end)
            start = self.add(node.part, start)
        self.skips[start].append(end)
        return end


def _automaton(wildcard: WildcardedIdentity, effort: Effort) -> _Automaton:
    characters = USER_CHARACTERS if wildcard.scheme == "sip" else NUMBER_CHARACTERS
    automaton = _Automaton(frozenset(characters), effort)
    literals = (_literal(wildcard.prefix), _literal(wildcard.suffix))
    whole = Sequence((literals[0], parse_expression(wildcard.pattern), literals[1]))
    automaton.last = automaton.add(whole, 0)
    return automaton


def _literal(text: str) -> Node:
    return Sequence(tuple(OneOf(frozenset(character)) for character in text))


_Pair = tuple[int, int]
_Steps = dict[_Pair, tuple[_Pair, str]]
"For each pair of states, the one that it was reached from and by which character."


def _common_text(one: _Automaton, other: _Automaton, effort: Effort) -> str | None:
    steps: _Steps = {}
    first = (0, 0)
    ahead = deque([first])
    while ahead:
        pair = ahead.popleft()
        moves, may_end = one.from_state(pair[0])
        other_moves, other_may_end = other.from_state(pair[1])
        # No identity has an empty user part; and no move leads back to the first state.
        if may_end and other_may_end and pair != first:
            return _spelled(pair, steps)
        effort.spend(1 + len(moves) * len(other_moves))
        for reached, character in _common_moves(moves, other_moves):
            ahead.extend([] if reached in steps else [reached])
            steps.setdefault(reached, (pair, character))
    return None


def _common_moves(
    moves: tuple[_Move, ...], other_moves: tuple[_Move, ...]
) -> Iterator[tuple[_Pair, str]]:
    for (characters, state), (others, other_state) in product(moves, other_moves):
        common = characters & others
        if common:
            # An example with letters and digits is easier on the eye.
            yield (state, other_state), min(common, key=lambda each: (not each.isalnum(), each))


def _spelled(pair: _Pair, steps: _Steps) -> str:
    characters: list[str] = []
    while pair in steps:
        pair, character = steps[pair]
        characters.append(character)
    return "".join(reversed(characters))
