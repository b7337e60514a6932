"""Whether a log pattern means the same to Python, Hyperscan and RE2.

A pattern is scanned for by Hyperscan, confirmed by RE2, given to Loki, which uses RE2 too, and
taken apart by the rules of Python's `re`. Only what all understand, and understand alike, is
allowed.
"""

from __future__ import annotations

import re
import warnings

import hyperscan

from checks.engine.linear import LinearPattern, LinearPatternError

_GROUPS = {
    "?=": "lookahead (?=…) is not possible",
    "?!": "negative lookahead (?!…) is not possible",
    "?<=": "lookbehind (?<=…) is not possible",
    "?<!": "negative lookbehind (?<!…) is not possible",
    "?>": "an atomic group (?>…) is not possible",
    "?#": "a comment (?#…) is not possible",
    "?(": "a condition (?(…)…) is not possible",
    "?P=": "a back-reference (?P=…) is not possible",
}
_GROUP_START = re.compile(r"\((\?(?:P<\w+>|P=|<[=!]|[=!>#(:]|[A-Za-z-]+[:)])?)?")
_FLAGS = re.compile(r"\?([A-Za-z-]+)[:)]")
_REPEAT = re.compile(r"\{(\d*)(?:(,)(\d*))?\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_MOST_REPEATS = 1000
_WHERE = "in the dialect that Hyperscan and RE2 share"


def pattern_fault(pattern: str) -> str:
    """Why a pattern cannot be used; "" if it can."""
    if "\0" in pattern:
        return "a NUL byte ends a pattern early (write \\x00)"
    found = _not_shared(pattern)
    if found:
        return f"{found} {_WHERE}"
    return _python_refuses(pattern) or _hyperscan_refuses(pattern) or _re2_refuses(pattern)


def compiled(pattern: str) -> LinearPattern:
    """A pattern as the log is searched with it: bytes, `^` and `$` at each line."""
    return LinearPattern(pattern.encode())


def _python_refuses(pattern: str) -> str:
    try:
        with warnings.catch_warnings():
            # Nested sets and the like: Python warns that it will read them differently one day.
            warnings.simplefilter("error")
            re.compile(pattern.encode(), re.MULTILINE)
    except (re.error, FutureWarning, DeprecationWarning) as error:
        return f"not a regular expression: {error}"
    except (OverflowError, RecursionError):
        return "not a regular expression: too large"
    return ""


def _hyperscan_refuses(pattern: str) -> str:
    try:
        hyperscan.Database().compile(
            expressions=[pattern.encode()], ids=[0], flags=[hyperscan.HS_FLAG_MULTILINE]
        )
    except hyperscan.error as error:
        if "empty" in str(error):
            return "matches the empty text, so it would match everywhere"
        return f"Hyperscan refuses it: {error}"
    return ""


def _re2_refuses(pattern: str) -> str:
    try:
        compiled(pattern).checked()
    except LinearPatternError as error:
        return f"RE2, which runs it in linear time, refuses it: {error}"
    return ""


def _not_shared(pattern: str) -> str:
    """The first thing in a pattern that one of the engines lacks or reads differently."""
    at = 0
    repeated = False
    while at < len(pattern):
        found, end, repeats = _token(pattern, at)
        if not found and repeats and repeated and pattern[at] == "+":
            found = "a possessive repeat (*+, ++, ?+) is not possible"
        if found:
            return found
        # `a+?` is lazy and ends there; `a+` may be followed by the `+` that makes it possessive.
        repeated = repeats and not (repeated and pattern[at] == "?")
        at = end
    return ""


def _token(pattern: str, at: int) -> tuple[str, int, bool]:
    """What is wrong with the token at a position, where it ends, and whether it is a repeat."""
    char = pattern[at]
    if char == "\\":
        return _escape(pattern[at + 1 : at + 2]), at + 2, False
    if char == "[" and (found := _CLASS.match(pattern, at)):
        return _set(found[0]), found.end(), False
    if char == "(" and (found := _GROUP_START.match(pattern, at)):
        opening = found[1] or ""
        return _group(opening), at + 1 + len(opening), False
    if char == "{" and (found := _REPEAT.match(pattern, at)) and any(found.groups()):
        return _counted(found), found.end(), True
    return "", at + 1, char in "*+?"


def _escape(char: str) -> str:
    if char.isdigit():
        return "a back-reference or octal escape is not possible (write a byte as \\x00)"
    if char == "Z":
        return "\\Z is not possible (write $)"
    return ""


def _set(text: str) -> str:
    if not text.isascii():
        return "a character beyond ASCII inside […] is not possible (write (?:ä|ö))"
    if any(opening in text[1:] for opening in ("[:", "[.", "[=")):
        return "a named class such as [[:alpha:]] is not possible"
    digit = re.search(r"(?<!\\)(?:\\\\)*\\([0-9])", text)
    return _escape(digit[1]) if digit else ""


def _group(opening: str) -> str:
    if opening in _GROUPS:
        return _GROUPS[opening]
    flags = _FLAGS.fullmatch(opening)
    unknown = sorted(set(flags[1]) - set("ims-")) if flags else []
    return f"the flag {unknown[0]!r} is not possible" if unknown else ""


def _counted(found: re.Match[str]) -> str:
    low, _, high = found.groups()
    if not low:
        return "a repeat without a lower bound ({,n}) is not possible"
    if max(int(low), int(high or 0)) > _MOST_REPEATS:
        return f"a repeat of more than {_MOST_REPEATS} is not possible"
    return ""
