"""Pieces of LogQL: quoted texts, and a profile's patterns as Loki's RE2 takes them.

Profiles are written in a dialect that RE2 shares, so a pattern is never translated. What is added
is the platform's prefix, which stands at the start of a line in Loki too.
"""

from __future__ import annotations

import re

from checks.sources.logs.prefix import NO_PREFIX, Prefix

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 :-_'=")
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
_FLAGS = re.compile(r"\(\?[a-zA-Z-]+[:)]")
_LEAST = 3
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """A text as LogQL reads it back: raw between backticks where it holds none of them."""
    if "`" not in text and "\r" not in text and text.isprintable():
        return f"`{text}`"
    return '"' + "".join(_ESCAPES.get(c) or _escaped(c) for c in text) + '"'


def _escaped(char: str) -> str:
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def literally(text: str) -> str:
    """A pattern that matches just this text."""
    return _SPECIAL.sub(r"\\\1", text)


def before_lines(prefix: Prefix) -> str:
    """A pattern for what the platform may have put before a line; "" for nothing."""
    if prefix is NO_PREFIX:
        return ""
    return f"(?:{prefix.pattern.pattern.decode().removeprefix('^')})?"


def anchored(pattern: str, prefix: Prefix) -> str:
    """A pattern whose `^` is the start of a line of an entry, after the platform's prefix."""
    before = before_lines(prefix)
    if not before:
        return f"(?m){pattern}"
    out: list[str] = []
    at = 0
    while at < len(pattern):
        end = _token_end(pattern, at)
        token = pattern[at:end]
        out.append(f"(?:^{before})" if token == "^" else token)  # noqa: S105 - of a pattern
        at = end
    return f"(?m){''.join(out)}"


def _token_end(pattern: str, at: int) -> int:
    """Where the escape, the class or the character at a position ends."""
    if pattern[at] == "\\":
        return min(at + 2, len(pattern))
    if pattern[at] != "[":
        return at + 1
    end = at + 1
    end += pattern[end : end + 1] == "^"
    end += pattern[end : end + 1] == "]"
    while end < len(pattern) and pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return min(end + 1, len(pattern))


def literal_of(pattern: str) -> str:
    """The longest plain text that every match of a pattern holds; "" where none is sure.

    Loki drops lines without it before it runs the pattern.
    """
    runs: list[str] = [""]
    depth = at = 0
    while at < len(pattern):
        end = _token_end(pattern, at)
        if pattern[at] == "{":
            end = pattern.find("}", at) + 1 or len(pattern)
        depth += (pattern[at] == "(") - (pattern[at] == ")")
        if (pattern[at] == "|" and depth == 0) or _sets_flags(pattern, at):
            return ""
        char = _literal_char(pattern[at:end])
        following = pattern[end : end + 1]
        if char and depth == 0 and following not in {"*", "?", "{"}:
            runs[-1] += char
            if following == "+":
                runs.append("")
        elif runs[-1]:
            runs.append("")
        at = end
    longest = max(runs, key=len)
    return longest if len(longest) >= _LEAST else ""


def _sets_flags(pattern: str, at: int) -> bool:
    """Whether a group changes how the pattern is read, such as its letters' case."""
    return _FLAGS.match(pattern, at) is not None


def _literal_char(token: str) -> str:
    """The character that a token always is; "" where it may be another."""
    if len(token) == 1:
        return token if token in _PLAIN else ""
    if len(token) == 2 and token[0] == "\\" and not token[1].isalnum():
        return token[1] if token[1] in _PLAIN or token[1] in "[]().{}/" else ""
    return ""
