"""What somebody typed behind a command: Slack's markup undone, words, quotes, durations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

SHOWN: Final = 40

_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_WORD = re.compile(r'"([^"]*)"(?=\s|$)|(\S+)')
_DURATION = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?", re.IGNORECASE)
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word, or several in quotes."""

    value: str
    quoted: bool = False

    @property
    def shown(self) -> str:
        """The word as a sentence may repeat it between backticks."""
        safe = self.value.replace("`", "'")
        return safe if len(safe) <= SHOWN else f"{safe[: SHOWN - 1]}…"


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a command's text as the person typed them."""
    plain = _INVISIBLE.sub("", _unescaped(_MARKUP.sub(_as_typed, text))).translate(_STRAIGHT)
    return tuple(word for match in _WORD.finditer(plain) if (word := _word(match)).value)


def one_word(text: str) -> Word:
    """A text as it was put into a dialog, where Slack marks nothing up."""
    return Word(value=" ".join(_INVISIBLE.sub("", text).split()), quoted=True)


def text_of(words: tuple[Word, ...]) -> str:
    """Words as one text again; quotes around all of it are dropped."""
    if len(words) == 1:
        return words[0].value
    return " ".join(f'"{word.value}"' if word.quoted else word.value for word in words)


def duration_of(text: str) -> timedelta | None:
    """A duration such as 90s, 10m, 2h or 1h30m; None where it is none."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _word(match: re.Match[str]) -> Word:
    quoted, bare = match.groups()
    if quoted is not None:
        return Word(value=quoted.strip(), quoted=True)
    if len(bare) > 2 and bare[0] == bare[-1] and bare[0] in "'`":
        return Word(value=bare[1:-1], quoted=True)
    return Word(value=bare)


def _as_typed(match: re.Match[str]) -> str:
    """Undo `<@U1|bo>`, `<#C1|ops>`, `<!here>`, `<https://a.b|a.b>`; a label is what was typed."""
    target, label = match.groups()
    sigil = target[:1] if target[:1] in "@#" else "@" if target.startswith("!") else ""
    if label:
        return label if label.startswith(("@", "#")) else f"{sigil}{label}"
    bare = target.lstrip("@#!") if sigil else target.removeprefix("mailto:")
    return f"{sigil}{bare.rpartition('^')[2]}"


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
