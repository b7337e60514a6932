"""Patterns that are matched in a time linear in the text, whatever both are.

`re` goes back and tries again, so that a text from outside may cost the square of its length. RE2
cannot; from Python it costs a few times as much as `re` on a short text. So patterns that a runbook
brings, and those of golive's own that would go back, run here, over bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

# The binding itself: what the package puts before it costs as much again as a match.
from re2._re2 import RE2

_NOT = (-1, -1)


class LinearPatternError(ValueError):
    """RE2 refuses a pattern; the message says why, in RE2's words."""


@dataclass(frozen=True, slots=True)
class LinearMatch:
    """Where a pattern matched a text. `spans`: of the whole match, then of each group."""

    text: bytes = field(repr=False)
    spans: Sequence[tuple[int, int]]
    groupindex: Mapping[str, int]

    def __getitem__(self, group: int | str) -> bytes | None:
        begin, end = self._span(group)
        return None if begin < 0 else self.text[begin:end]

    def start(self, group: int | str = 0) -> int:
        """Where a group begins; -1 where it took no part."""
        return self._span(group)[0]

    def end(self, group: int | str = 0) -> int:
        """Where a group ends; -1 where it took no part."""
        return self._span(group)[1]

    def groupdict(self) -> dict[str, bytes | None]:
        """The named groups."""
        return {name: self[index] for name, index in self.groupindex.items()}

    def _span(self, group: int | str) -> tuple[int, int]:
        return self.spans[self.groupindex[group] if isinstance(group, str) else group]


@dataclass(frozen=True)
class LinearPattern:
    """One pattern for bytes; `^` and `$` stand at each line.

    Raises (when it is first used, or by `checked`):
        LinearPatternError: RE2 refuses it.
    """

    pattern: bytes
    ignore_case: bool = False

    @cached_property
    def _compiled(self) -> RE2:
        options = RE2.Options()
        options.encoding = RE2.Options.Encoding.LATIN1  # a byte is a byte, as it is to `re`
        options.log_errors = False
        flags = b"(?im)" if self.ignore_case else b"(?m)"
        compiled = RE2(flags + self.pattern, options)
        if not compiled.ok():
            raise LinearPatternError(compiled.error().decode("utf-8", "replace"))
        return compiled

    @cached_property
    def groupindex(self) -> Mapping[str, int]:
        """Named groups and their numbers."""
        return {name.decode(): index for name, index in self._compiled.NamedCapturingGroups()}

    def checked(self) -> LinearPattern:
        """The pattern itself, compiled."""
        _ = self._compiled
        return self

    def match(self, text: bytes, pos: int = 0, endpos: int | None = None) -> LinearMatch | None:
        """The match that begins at a position."""
        return self._found(RE2.Anchor.ANCHOR_START, text, pos, endpos)

    def search(self, text: bytes, pos: int = 0, endpos: int | None = None) -> LinearMatch | None:
        """The first match from a position on."""
        return self._found(RE2.Anchor.UNANCHORED, text, pos, endpos)

    def sub(self, replacement: Callable[[LinearMatch], bytes], text: bytes) -> bytes:
        """The text with every match replaced; a match is never empty."""
        parts: list[bytes] = []
        done = 0
        while (found := self.search(text, done)) is not None and found.end() > done:
            parts += [text[done : found.start()], replacement(found)]
            done = found.end()
        return b"".join([*parts, text[done:]]) if parts else text

    def _found(
        self, anchor: RE2.Anchor, text: bytes, pos: int, endpos: int | None
    ) -> LinearMatch | None:
        size = len(text)
        end = size if endpos is None or endpos < 0 else min(endpos, size)
        if pos > end:
            return None
        spans = self._compiled.Match(anchor, text, pos, end)
        return None if spans[0] == _NOT else LinearMatch(text, spans, self.groupindex)
