"""The part of LogQL that golive writes, evaluated over lines in memory as Loki does it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

Labels: TypeAlias = dict[str, str]
Stage: TypeAlias = Callable[[str, Labels], str | None]
"""Takes a line and its labels; the line that goes on, or None where it is dropped."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TOKEN = re.compile(
    r"\s*(?:(?P<raw>`[^`]*`)|(?P<text>\"(?:\\.|[^\"\\])*\")|(?P<number>\d+[a-zµ]+)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>\|=|\|~|!=|!~|=~|[{}()\[\]|,=]))"
)
_UNITS = {"ns": 1, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9}


class BadQueryError(Exception):
    """What Loki answers with 400."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A selector and its pipeline."""

    matchers: Sequence[tuple[str, str, str]]
    stages: Sequence[Stage]

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether a stream is meant."""
        return all(_fits(labels.get(name, ""), sign, text) for name, sign, text in self.matchers)

    def line(self, text: str, stream: Mapping[str, str]) -> str | None:
        """The line that comes out at the end; None where it is dropped."""
        labels = dict(stream)
        for stage in self.stages:
            found = stage(text, labels)
            if found is None:
                return None
            text = found
        return text


@dataclass(frozen=True, slots=True)
class Counting:
    """`sum(count_over_time(… [range] offset …))`, in nanoseconds; or of bytes."""

    of: str
    query: LogQuery
    span: int
    offset: int


def parse(query: str) -> LogQuery | Counting:
    """A query of one of the two kinds.

    Raises:
        BadQueryError: with the words that a client gets to see.
    """
    parser = _Parser(query)
    found = parser.counting() if query.lstrip().startswith("sum") else parser.log()
    parser.end()
    return found


def parse_selector(text: str) -> LogQuery:
    """A selector alone."""
    return LogQuery(_Parser(text).selector(), ())


def _fits(value: str, sign: str, text: str) -> bool:
    if sign in ("=", "!="):
        return (value == text) == (sign == "=")
    # A label's pattern must fit all of it.
    found = _compiled(text).fullmatch(value) is not None
    return found == (sign == "=~")


def _compiled(pattern: str) -> re.Pattern[str]:
    if re.search(r"\(\?(?:[=!>#(]|<[=!])", pattern):
        raise BadQueryError(f"parse error : error parsing regexp: invalid Perl syntax: `{pattern}`")
    try:
        return re.compile(pattern, re.ASCII)
    except re.error as error:
        raise BadQueryError(f"parse error : error parsing regexp: {error}: `{pattern}`") from error


@dataclass(slots=True)
class _Parser:
    query: str
    _at: int = field(default=0, init=False)

    # --- tokens ---------------------------------------------------------------------------------

    def _peek(self) -> tuple[str, str]:
        if not self.query[self._at :].strip():
            return "end", ""
        match = _TOKEN.match(self.query, self._at)
        if match is None or match.lastgroup is None:
            raise BadQueryError(f"parse error at col {self._at + 1}: syntax error")
        return match.lastgroup, match[match.lastgroup]

    def _next(self) -> tuple[str, str]:
        found = self._peek()
        match = _TOKEN.match(self.query, self._at)
        self._at = match.end() if match else len(self.query)
        return found

    def _takes(self, *texts: str) -> bool:
        if self._peek()[1] in texts:
            self._next()
            return True
        return False

    def _expect(self, text: str) -> None:
        found = self._next()[1]
        if found != text:
            raise BadQueryError(f"parse error: syntax error: unexpected {found!r}, not {text!r}")

    def _string(self) -> str:
        kind, text = self._next()
        if kind == "raw":
            return text[1:-1]
        if kind != "text":
            raise BadQueryError(f"parse error: syntax error: unexpected {text!r}, expecting STRING")
        return cast("str", json.loads(re.sub(r"\\U0000([0-9a-f]{4})", r"\\u\1", text)))

    def _duration(self) -> int:
        kind, text = self._next()
        match = re.fullmatch(r"(\d+)([a-z]+)", text)
        if kind != "number" or match is None or match[2] not in _UNITS:
            raise BadQueryError(f"parse error: not a valid duration string: {text!r}")
        return int(match[1]) * _UNITS[match[2]]

    def end(self) -> None:
        """Nothing may follow."""
        kind, text = self._peek()
        if kind != "end":
            raise BadQueryError(f"parse error: syntax error: unexpected {text!r}")

    # --- queries --------------------------------------------------------------------------------

    def counting(self) -> Counting:
        """`sum(…)` over a range."""
        self._expect("sum")
        self._expect("(")
        kind = self._next()[1]
        if kind not in {"count_over_time", "bytes_over_time"}:
            raise BadQueryError(f"parse error: syntax error: unexpected {kind!r}")
        self._expect("(")
        query = self.log()
        self._expect("[")
        span = self._duration()
        self._expect("]")
        offset = self._duration() if self._takes("offset") else 0
        self._expect(")")
        self._expect(")")
        return Counting(kind.removesuffix("_over_time"), query, span, offset)

    def log(self) -> LogQuery:
        """A selector, and stages."""
        matchers = self.selector()
        stages: list[Stage] = []
        while (sign := self._peek()[1]) in {"|", "|=", "|~", "!=", "!~"}:
            self._next()
            stages.append(self._stage() if sign == "|" else self._filter(sign))
        return LogQuery(matchers, stages)

    def selector(self) -> list[tuple[str, str, str]]:
        """`{name="value", …}`."""
        self._expect("{")
        matchers: list[tuple[str, str, str]] = []
        while not self._takes("}"):
            name, sign = self._next()[1], self._next()[1]
            if sign not in {"=", "!=", "=~", "!~"}:
                raise BadQueryError(f"parse error: syntax error: unexpected {sign!r}")
            matchers.append((name, sign, self._string()))
            self._takes(",")
        if not any(sign in {"=", "=~"} and text for _name, sign, text in matchers):
            raise BadQueryError(
                "parse error : queries require at least one regexp or equality matcher that does"
                " not have an empty-compatible value"
            )
        return matchers

    def _filter(self, sign: str) -> Stage:
        text = self._string()
        wanted = sign[0] == "|"
        if sign[1] == "=":
            return lambda line, _labels: line if (text in line) == wanted else None
        pattern = _compiled(text)
        return lambda line, _labels: line if bool(pattern.search(line)) == wanted else None

    def _stage(self) -> Stage:
        if self._takes("decolorize"):
            return lambda line, _labels: _ANSI.sub("", line)
        if self._takes("regexp"):
            return _regexp(_compiled(self._string()))
        if self._takes("line_format"):
            name = self._string().removeprefix("{{.").removesuffix("}}")
            return lambda _line, labels: labels.get(name, "")
        if self._takes("json"):
            return self._json()
        test = self._any()
        return lambda line, labels: line if test(labels) else None

    def _json(self) -> Stage:
        paths: dict[str, list[str]] = {}
        while True:
            name = self._next()[1]
            self._expect("=")
            paths[name] = re.findall(r"[^.\[\]\"]+", self._string())
            if not self._takes(","):
                return lambda line, labels: _json_labels(line, labels, paths)

    # --- label filters --------------------------------------------------------------------------

    def _any(self) -> Callable[[Labels], bool]:
        tests = [self._all()]
        while self._takes("or"):
            tests.append(self._all())
        return lambda labels: any(test(labels) for test in tests)

    def _all(self) -> Callable[[Labels], bool]:
        tests = [self._one()]
        while self._takes("and"):
            tests.append(self._one())
        return lambda labels: all(test(labels) for test in tests)

    def _one(self) -> Callable[[Labels], bool]:
        if self._takes("("):
            test = self._any()
            self._expect(")")
            return test
        name, sign = self._next()[1], self._next()[1]
        text = self._string()
        if sign in {"=~", "!~"}:
            _compiled(text)
        return lambda labels: _fits(labels.get(name, ""), sign, text)


def _regexp(pattern: re.Pattern[str]) -> Stage:
    if not pattern.groupindex:
        raise BadQueryError("parse error : at least one named capture must be supplied")

    def stage(line: str, labels: Labels) -> str:
        match = pattern.search(line)
        if match is not None:
            labels.update({name: value or "" for name, value in match.groupdict().items()})
        return line

    return stage


def _json_labels(line: str, labels: Labels, paths: Mapping[str, Sequence[str]]) -> str:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        labels["__error__"] = "JSONParserErr"
        return line
    for name, path in paths.items():
        value = found
        for part in path:
            value = cast("dict[str, object]", value).get(part) if isinstance(value, dict) else None
        labels[name] = _label(value)
    return line


def _label(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # Loki leaves out what is no valid text.
        return "" if re.search("[\ud800-\udfff\ufffd]", value) else value
    return json.dumps(value)
