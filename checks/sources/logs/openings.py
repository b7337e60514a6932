"""Event patterns that say byte for byte how a line begins, found in the table of lines.

Such a pattern is a chain of literals and runs of one class of bytes, in which each run ends where
the next part cannot go on with it; so there is one way to match, and no need to go back. Hyperscan
stops for Python at every hit; here thousands of lines are looked at for the price of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from checks.engine.linear import LinearPattern
from checks.sources.logs.lines import PAD, LineTable, Places

_SHORT, _LONG = 8, 64
_MAX_LITERAL = PAD // 2
_NEWLINE = ord("\n")
_CLASS = re.compile(rb"\[(\^?)((?:\\.|[^\]\\])+)\]", re.DOTALL)
_CLASS_PART = re.compile(rb"(\\?.)(?:-(\\?.))?", re.DOTALL)
_COUNT = re.compile(rb"\{(\d{1,2})\}")
_GROUP = re.compile(rb"\(\?P<\w+>")
_RUN = re.compile(rb"(\\.|\[(?:\\.|[^\]\\])++(?:\]|\Z))|([*+])", re.DOTALL)
_SPECIAL = b"\\^$.|?*+()[]{}"
_QUANTIFIERS = (b"*", b"+", b"?", b"{")
_ESCAPED = {b"d": bytes(range(ord("0"), ord("9") + 1)), b"t": b"\t", b"n": b"\n"}


@dataclass(frozen=True, slots=True)
class _Part:
    """A literal, or a run of bytes of a class: exactly `times`, or as many as there are.

    least: of a run as long as it goes: at least so many
    """

    literal: bytes = b""
    members: frozenset[int] = frozenset()
    times: int = 0
    least: int = 0

    @property
    def open_ended(self) -> bool:
        return not self.literal and not self.times

    def may_begin(self) -> frozenset[int]:
        return frozenset(self.literal[:1]) if self.literal else self.members


@dataclass(slots=True)
class _Node:
    """What follows a part: patterns that share a beginning share the work for it.

    other: for each byte, 1 if it does not belong to the part's class
    """

    part: _Part
    other: bytes = field(init=False, repr=False)
    nodes: list[_Node] = field(default_factory=list["_Node"])
    ends: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self.other = bytes(byte not in self.part.members for byte in range(256))

    def follow(self, part: _Part) -> _Node:
        for node in self.nodes:
            if node.part == part:
                return node
        self.nodes.append(_Node(part))
        return self.nodes[-1]

    def under(self) -> Iterator[int]:
        yield from self.ends
        for node in self.nodes:
            yield from node.under()


class Openings:
    """Those of some patterns that say how a line begins. `taken`: which ones, by index."""

    def __init__(self, patterns: Sequence[LinearPattern]) -> None:
        self._patterns = patterns
        self._root = _Node(_Part())
        taken: list[int] = []
        for index, pattern in enumerate(patterns):
            parts = parts_of(pattern.pattern)
            if parts is None:
                continue
            node = self._root
            for part in parts:
                node = node.follow(part)
            node.ends.append(index)
            taken.append(index)
        self.taken = frozenset(taken)

    def find(self, table: LineTable) -> dict[int, Places]:
        """By pattern: where the lines start that begin with it."""
        found: dict[int, list[Places]] = {index: [] for index in self.taken}
        for node in self._root.nodes:
            starts = table.starts[table.beginning_with(node.part.literal)]
            self._after(node, table, starts, starts + len(node.part.literal), found)
        return {
            index: np.sort(np.concatenate(places)) if len(places) > 1 else places[0]
            for index, places in found.items()
            if places
        }

    def _after(
        self,
        node: _Node,
        table: LineTable,
        starts: Places,
        places: Places,
        found: dict[int, list[Places]],
    ) -> None:
        """Go on where the text at `places` has matched up to a node, on lines at `starts`."""
        for index in node.ends:
            found[index].append(starts)
        if not node.nodes:
            return
        inside = places < len(table.data)
        if not inside.all():
            starts, places = starts[inside], places[inside]
        for child in node.nodes:
            if not len(starts):
                return
            if child.part.literal:
                fits = table.continuing(places, child.part.literal)
                self._after(
                    child, table, starts[fits], places[fits] + len(child.part.literal), found
                )
                continue
            lengths, far = _lengths(child, table, places)
            fits = lengths == child.part.times if child.part.times else lengths >= child.part.least
            fits &= ~far
            self._after(child, table, starts[fits], places[fits] + lengths[fits], found)
            if far.any():
                self._singly(child, table, starts[far], found)

    def _singly(
        self, node: _Node, table: LineTable, starts: Places, found: dict[int, list[Places]]
    ) -> None:
        """Lines with a very long run, by the patterns themselves."""
        for index in node.under():
            match = self._patterns[index].match
            kept = [start for start in starts.tolist() if match(table.data, start)]
            if kept:
                found[index].append(np.array(kept, np.int64))


def _lengths(node: _Node, table: LineTable, places: Places) -> tuple[Places, npt.NDArray[np.bool_]]:
    """How long the run at each place is, and where it is too long to say."""
    times = node.part.times
    lengths = _run(node, table, places, 1 if times == 1 else _SHORT)
    going = np.flatnonzero(lengths == _SHORT)
    if len(going) and not 0 < times <= _SHORT:
        lengths[going] += _run(node, table, places[going] + _SHORT, _LONG)
    far = lengths == _SHORT + _LONG
    return np.minimum(lengths, times) if times else lengths, far


def _run(node: _Node, table: LineTable, places: Places, size: int) -> Places:
    """How many of `size` bytes (1, 8 or 64) at each place belong to the class, up to another."""
    if size == 1:
        return 1 - np.frombuffer(table.raw[places].tobytes().translate(node.other), np.int8).astype(
            np.int64
        )
    other = np.frombuffer(table.pieces(places, size).tobytes().translate(node.other), np.uint8)
    words = np.packbits(other, bitorder="little").view(f"<u{size // 8}")
    # The bits below the lowest one that is set.
    return np.bitwise_count((words - 1) & ~words).astype(np.int64)


def one_way(pattern: bytes) -> re.Pattern[bytes] | None:
    """A pattern that is a chain, for `re`; None for others.

    Its runs give nothing back (they are possessive), so that it takes a time linear in the text;
    on a line it costs a fraction of what RE2 costs from Python.
    """
    if parts_of(pattern) is None:
        return None
    return re.compile(_RUN.sub(lambda one: one[1] or one[2] + b"+", pattern), re.MULTILINE)


def parts_of(pattern: bytes) -> list[_Part] | None:
    """The chain that a pattern is; None if it is none."""
    if not pattern.startswith(b"^"):
        return None
    parts: list[_Part] = []
    position, depth = 1, 0
    while position < len(pattern):
        if (group := _GROUP.match(pattern, position)) is not None:
            position, depth = group.end(), depth + 1
            continue
        if pattern[position : position + 1] == b")" and depth:
            position, depth = position + 1, depth - 1
            if pattern[position : position + 1] in _QUANTIFIERS:
                return None
            continue
        found = _atom(pattern, position)
        if found is None:
            return None
        members, position = found
        part, position = _counted(pattern, position, members)
        if part is None:
            return None
        parts.append(part)
    return _chain(parts)


def _atom(pattern: bytes, position: int) -> tuple[frozenset[int], int] | None:
    """The bytes that may stand at one place, and where the expression for them ends."""
    one = pattern[position : position + 1]
    if one == b"\\":
        escaped = _unescaped(pattern[position : position + 2])
        return None if escaped is None else (frozenset(escaped), position + 2)
    if one == b"[":
        match = _CLASS.match(pattern, position)
        if match is None or b"[" in match[2].replace(b"\\[", b""):
            return None
        members = _members(match[2])
        if members is None:
            return None
        return (frozenset(range(256)) - members if match[1] else members), match.end()
    return None if one in _SPECIAL else (frozenset(one), position + 1)


def _unescaped(escape: bytes) -> bytes | None:
    """The bytes that an escape stands for; None if it is something else."""
    one = escape[1:]
    return _ESCAPED.get(one, None if not one or one.isalnum() or one >= b"\x80" else one)


def _members(inside: bytes) -> frozenset[int] | None:
    members: set[int] = set()
    for match in _CLASS_PART.finditer(inside):
        first, last = (
            _unescaped(part) if part.startswith(b"\\") else part for part in match.groups(b"")
        )
        if first is None or last is None or (last and len(first) + len(last) != 2):
            return None
        members.update(range(first[0], last[0] + 1) if last else first)
    return frozenset(members)


def _counted(pattern: bytes, position: int, members: frozenset[int]) -> tuple[_Part | None, int]:
    """What stands at `members`, with the quantifier after it."""
    one = pattern[position : position + 1]
    part = _Part(members=members, times=1)
    if one in (b"*", b"+"):
        part, position = _Part(members=members, least=int(one == b"+")), position + 1
    elif (count := _COUNT.match(pattern, position)) is not None:
        part, position = _Part(members=members, times=int(count[1])), count.end()
    follows = pattern[position : position + 1]
    none_at_all = part.open_ended and one == b"{"
    return None if follows in _QUANTIFIERS or none_at_all else part, position


def _chain(singles: Sequence[_Part]) -> list[_Part] | None:
    """Single bytes joined to literals; None if there is more than one way to match."""
    parts: list[_Part] = []
    for part in singles:
        literal = bytes(part.members) if part.times == 1 and len(part.members) == 1 else b""
        if literal and parts and parts[-1].literal and len(parts[-1].literal) < _MAX_LITERAL:
            parts[-1] = _Part(literal=parts[-1].literal + literal)
        else:
            parts.append(_Part(literal=literal) if literal else part)
    if not parts or not parts[0].literal:
        return None
    for part, following in zip(parts, [*parts[1:], _Part(literal=b"\n")], strict=True):
        if _NEWLINE in part.members or b"\n" in part.literal or part.times > _LONG:
            return None
        optional = following.open_ended and not following.least
        if part.open_ended and (optional or part.members & following.may_begin()):
            return None
    return parts
