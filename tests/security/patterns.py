"""Every pattern of Python's `re` in checks/ and bot/, and texts that are hard for it.

Patterns are found in the source, so that a new one is found too. One that is put together when the
program runs cannot be read there; BUILT holds what such a one is put together to.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, AnyStr, Final, cast

_TREE = Path(__file__).parents[2]
_FUNCTIONS = (
    "compile",
    "match",
    "search",
    "fullmatch",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
)

BUILT: Final[Mapping[str, tuple[bytes | str, ...]]] = {
    # masking: all shapes but those that RE2 runs
    "Shape.compiled": (),
    "Matcher.__init__": (),
    # a team's pattern is compiled only to see whether it is one
    "_python_refuses": (),
    "_prefix": (),
    "_value": (rb"requestId: '([^'\",\s}]+)", rb"ip: '([^'\",\s}]+)"),
    "PairReader.__init__": (
        rb"(?m)(?:^  |[{,] )status:\ (\d{3})\b",
        rb"requestId:\ '([^'\",\s}]+)",
    ),
    "Reading.__init__": (
        rb"(?m)^\[INFO\]\ \[RES\]\ (\S+) (\S+)",
        rb"(?m)(?:^  |[{,] )status:\ (\d{3})\b",
    ),
    # chains, made possessive: the longest of the shipped ones, and an access log's
    "one_way": (
        rb"(?m)^\[Webhook:[^\]\n]*+\] Message created: "
        rb"(?P<id>[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})",
        rb"(?m)^\[INFO\] \[MessageHandler\] Updating connection status for unit "
        rb"(?P<unit>[0-9a-fA-F-]++): \{ status: 'connected'",
    ),
    "_Shape.front": (
        rb"(?m)^(?P<client>[^\s\"]++) (?:[^\"\[\n]*+\[)++[^\"\]\n]++\] \""
        rb"(?P<method>GET|POST) (?P<path>[^\s\"]++)(?: [^\"\n]*+)?+\" [1-5]",
    ),
    "FileScan._file": (rb"(?:^|[^\w-])golive\-probe\-0a1b(?:[^\w-]|$)",),
    # an example of the runbook, by a literal
    "_line": ("'\" '[0-9]",),
    # a table of constant patterns for what a driver said
    "connection_problem": (),
    "people": (r"\bby @?ana\b",),
}
"""Function → the patterns that it builds when it runs; () where they are listed elsewhere."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern and where it stands."""

    where: str
    pattern: re.Pattern[Any] = field(repr=False)
    uses: frozenset[str] = frozenset(("search",))


@lru_cache(maxsize=1)
def patterns() -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """All patterns, and the places of those that can neither be read nor are listed in BUILT."""
    found: dict[tuple[Any, int], Found] = {}
    unread: list[str] = []
    for path in sorted([*(_TREE / "checks").rglob("*.py"), *(_TREE / "bot").rglob("*.py")]):
        source = path.read_text("utf-8")
        if "re." not in source:
            continue
        for where, pattern, flags, uses in _calls(path, source, unread):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compiled = re.compile(pattern, flags)
            found.setdefault((compiled.pattern, compiled.flags), Found(where, compiled, uses))
    for one in _in_values():
        found.setdefault((one.pattern.pattern, one.pattern.flags), one)
    return tuple(found.values()), tuple(unread)


def _calls(
    path: Path, source: str, unread: list[str]
) -> Iterator[tuple[str, Any, int, frozenset[str]]]:
    name = ".".join(path.relative_to(_TREE).with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse(source)
    namespace: dict[str, Any] | None = None
    for scope, call in _scoped(tree, ()):
        function = call.func
        if not (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "re"
            and function.attr in _FUNCTIONS
        ):
            continue
        namespace = namespace or vars(importlib.import_module(name))
        where = f"{path.relative_to(_TREE)}:{call.lineno}"
        flags = _flags(call, function.attr, namespace)
        uses = _uses(source, call) if function.attr == "compile" else frozenset((function.attr,))
        try:
            yield where, _value(call.args[0], namespace), flags, uses
        except NameError:
            built = BUILT.get(".".join(scope))
            if built is None:
                unread.append(f"{where} in {'.'.join(scope)}")
            for pattern in built or ():
                yield where, pattern, flags if pattern[:2] not in (b"(?", "(?") else 0, uses


def _uses(source: str, call: ast.Call) -> frozenset[str]:
    """How a module uses the pattern that it keeps under a name: all ways, by its text."""
    line = source.splitlines()[call.lineno - 1]
    named = re.match(r"\s*(?:self\.)?(\w+)(?:: Final)? = ", line)
    if named is None:
        return frozenset(("search",))
    found = re.findall(rf"\b{named[1]}\.({'|'.join(_FUNCTIONS)})\b", source)
    return frozenset(found) or frozenset(("search",))


def _scoped(node: ast.AST, scope: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ast.Call]]:
    for child in ast.iter_child_nodes(node):
        inner = scope
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inner = (*scope, child.name)
        if isinstance(child, ast.Call):
            yield scope, child
        yield from _scoped(child, inner)


def _value(node: ast.expr, namespace: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "<pattern>", "eval"), namespace)  # noqa: S307


def _flags(call: ast.Call, function: str, namespace: dict[str, Any]) -> int:
    given = [word.value for word in call.keywords if word.arg == "flags"]
    if function == "compile":
        given += call.args[1:2]
    elif function in ("match", "search", "fullmatch", "findall", "finditer"):
        given += call.args[2:3]
    try:
        return int(_value(given[0], namespace)) if given else 0
    except NameError:
        return 0


def _in_values() -> Iterator[Found]:
    """Patterns that modules hold, however they were made."""
    for path in sorted([*(_TREE / "checks").rglob("*.py"), *(_TREE / "bot").rglob("*.py")]):
        if "re.compile" not in path.read_text("utf-8"):
            continue
        name = ".".join(path.relative_to(_TREE).with_suffix("").parts).removesuffix(".__init__")
        for held, value in list(vars(importlib.import_module(name)).items()):
            for pattern in _held(value, 3):
                yield Found(f"{name}.{held}", pattern)


def _held(value: object, depth: int) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for one in cast("tuple[object, ...]", value):
            yield from _held(one, depth - 1)
    elif depth and isinstance(value, dict):
        yield from _held(tuple(cast("dict[object, object]", value).values()), depth - 1)
    elif depth and hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        names = cast("Any", value).__dataclass_fields__
        yield from _held(tuple(getattr(value, one, None) for one in names), depth - 1)


# --- hard texts ---------------------------------------------------------------------------------


def _samples(node: Any, depth: int = 0) -> list[str]:
    """Short texts that a part of a parsed pattern matches: the least ones, and a little more."""
    out = [""]
    for operation, argument in node:
        name = str(operation)
        if name == "LITERAL":
            pieces = [chr(argument)]
        elif name == "NOT_LITERAL":
            pieces = ["a" if argument != ord("a") else "b"]
        elif name == "ANY":
            pieces = ["a"]
        elif name == "IN":
            pieces = _members(argument)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = argument
            once = _samples(inner, depth + 1)[:2]
            pieces = [one * max(least, 1 if most else 0) for one in once]
            pieces += [""] if least == 0 else []
        elif name == "SUBPATTERN":
            pieces = _samples(argument[-1], depth + 1)
        elif name == "ATOMIC_GROUP":
            pieces = _samples(argument, depth + 1)
        elif name == "BRANCH":
            pieces = [text for branch in argument[1] for text in _samples(branch, depth + 1)[:1]]
        else:  # positions and assertions take no text
            pieces = [""]
        out = [before + piece for before in out for piece in pieces[:3]][:6]
    return out


def _members(parts: Any) -> list[str]:
    negated = any(str(operation) == "NEGATE" for operation, _ in parts)
    chars: list[str] = []
    for operation, argument in parts:
        name = str(operation)
        if name == "LITERAL":
            chars.append(chr(argument))
        elif name == "RANGE":
            chars.append(chr(argument[0]))
        elif name == "CATEGORY":
            kinds = {"DIGIT": "0", "SPACE": " ", "WORD": "a"}
            category = str(argument).removeprefix("CATEGORY_")
            chars += ["a"] if category.startswith("NOT_") else [kinds.get(category, "a")]
    if not negated:
        return chars or ["a"]
    # What is left out is mostly what ends a run; the first other characters will do.
    return [one for one in "a0 -[" if one not in chars][:2] or ["~"]


def _tokens(node: Any) -> set[str]:
    """Runs of literals, and single members of classes."""
    out: set[str] = set()
    run = ""
    for operation, argument in node:
        name = str(operation)
        if name == "LITERAL":
            run += chr(argument)
            continue
        if run:
            out.add(run)
            run = ""
        if name == "IN":
            out.update(_members(argument))
            out.update(chr(value) for kind, value in argument if str(kind) == "LITERAL")
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            out |= _tokens(argument[2])
        elif name == "SUBPATTERN":
            out |= _tokens(argument[-1])
        elif name == "BRANCH":
            for branch in argument[1]:
                out |= _tokens(branch)
        elif name in ("ANY", "NOT_LITERAL"):
            out.add("a")
    return out | ({run} if run else set())


def hostile(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """Beginnings, and what is repeated after each: made of the pattern's own alphabet."""
    text = pattern.pattern
    source = text.decode("latin-1") if isinstance(text, bytes) else text
    parsed = re._parser.parse(source, pattern.flags & ~re.UNICODE)  # type: ignore[attr-defined] # noqa: SLF001
    samples = [one for one in _samples(parsed) if one][:2]
    tokens = sorted(_tokens(parsed), key=lambda one: (-len(one), one))[:9]
    prefixes = {one[:cut] for one in samples for cut in range(1, len(one) + 1)}
    if len(prefixes) > 24:
        prefixes = set(sorted(prefixes, key=len)[:: len(prefixes) // 24 + 1])
    pairs = {a + b for a, b in itertools.permutations(tokens, 2)}
    units = sorted({*tokens, *prefixes, *pairs})
    texts = [("", unit) for unit in units]
    texts += [(begin, one) for begin in sorted(prefixes) for one in tokens if len(one) <= 2]
    return [(begin, unit) for begin, unit in texts if unit]


# --- what they cost -----------------------------------------------------------------------------

SUSPECT = 0.004
"""Seconds: what takes less at SIZE cannot have taken the square of its length."""
SIZE = 16_384
MOST = 2.5


def cost(use: Callable[[AnyStr], object], text: AnyStr, times: int = 1) -> float:
    """Processor seconds of this thread, the least of some tries."""
    best = float("inf")
    for _ in range(times):
        begin = time.thread_time()
        use(text)
        best = min(best, time.thread_time() - begin)
    return best


def growth(use: Callable[[AnyStr], object], make: Callable[[int], AnyStr]) -> float:
    """By how much the cost grows where the text doubles, beyond noise; 0.0 where it costs nothing.

    A text is suspected by its cost alone. Only then are doublings measured, and the least of two
    in a row is the answer, so that a busy machine makes no suspect guilty.
    """
    size = SIZE // 32
    while (seconds := cost(use, make(size))) < SUSPECT or cost(use, make(size), 3) < SUSPECT:
        size *= 2
        if size > SIZE:
            return 0.0
    after = 2 * size if seconds < 0.2 else size
    costs = [cost(use, make(length), 3) for length in (after // 4, after // 2, after)]
    return min(second / first for first, second in itertools.pairwise(costs))
