"""What a command or a hook said, as it may be shown: masked first, then cut into bounded lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from checks.engine.masking import harmless, mask

READ: Final = 16_384
"""Bytes of an output that are looked at; the rest is dropped unread by anybody."""

_LINES: Final = 40
_WIDTH: Final = 300


def last_lines(raw: bytes, secrets: Sequence[str] = (), *, cut: bool = False) -> tuple[str, ...]:
    """The end of an output.

    Args:
        raw: at most READ bytes.
        secrets: masked as literals, before what looks like a secret is.
        cut: whether something stood before it: then its first line may begin within a secret.
    """
    text = raw.decode("utf-8", "replace")
    if cut:
        text = text.partition("\n")[2]
    return _lines(text, secrets)[-_LINES:]


def first_lines(raw: bytes, secrets: Sequence[str] = (), *, cut: bool = False) -> tuple[str, ...]:
    """The beginning of an output; `cut`: more followed, so its last word may be half a secret."""
    text = raw.decode("utf-8", "replace")
    if cut:
        text = "".join(text.rsplit(maxsplit=1)[:-1])
    return _lines(text, secrets)[:_LINES]


def _lines(text: str, secrets: Sequence[str]) -> tuple[str, ...]:
    lines = [harmless(line, _WIDTH) for line in mask(text, secrets).splitlines()]
    return tuple(line for line in lines if line.strip())
