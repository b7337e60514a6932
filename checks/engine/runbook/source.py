"""YAML with the line of every value, so that an error can point at what has to be changed.

PyYAML's own loader forgets where a value stood, lets a repeated key win silently and reads
`12:30` as 750. Here the nodes are read one by one: keys are always text, a number is only what
looks like one everywhere, and everything else stays the text that was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import yaml
from yaml.error import MarkedYAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from checks.engine.model import Json

Loc: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys and list positions from the top of the file."""

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?")
_TRUE = frozenset({"true", "yes", "on"})
_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(_TAG + kind for kind in ("str", "int", "float", "bool", "null", "timestamp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is wrong at one place of the file."""

    loc: Loc
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlSource:
    """A YAML file as plain values, with the line (from 1) of each.

    faults: repeated keys, empty values and what is no YAML at all; `data` is None in the last case
    """

    path: Path
    data: Json
    lines: Mapping[Loc, int]
    faults: tuple[Fault, ...] = ()

    def line(self, loc: Loc) -> int:
        """The line of a place; of the closest thing around it where it is not in the file."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)


def read_yaml(path: Path, raw: bytes) -> YamlSource:
    """Read one YAML document. Never raises: what is wrong with it is in `faults`."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unreadable(path, line, "not UTF-8; save the file in UTF-8")
    try:
        node = yaml.SafeLoader(text).get_single_node()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        return _unreadable(path, mark.line + 1 if mark else 1, f"not valid YAML: {said}")
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _unreadable(path, line, f"not valid YAML: {error.reason}")
    except RecursionError:
        return _unreadable(path, 1, "not valid YAML: nested too deeply")
    if node is None:
        return _unreadable(path, 1, "the file is empty")
    reader = _Reader()
    data = reader.value(node, (), frozenset())
    return YamlSource(path=path, data=data, lines=reader.lines, faults=tuple(reader.faults))


def _unreadable(path: Path, line: int, message: str) -> YamlSource:
    fault = Fault(loc=(), message=message, line=line)
    return YamlSource(path=path, data=None, lines={}, faults=(fault,))


class _Reader:
    """Turns nodes into values and remembers where each stood."""

    def __init__(self) -> None:
        self.lines: dict[Loc, int] = {}
        self.faults: list[Fault] = []

    def value(self, node: Node, loc: Loc, above: frozenset[int]) -> Json:
        self.lines.setdefault(loc, node.start_mark.line + 1)
        if id(node) in above:
            self._fault(loc, node, "an alias (*) that contains itself")
            return None
        inside = above | {id(node)}
        if isinstance(node, MappingNode):
            return self._mapping(node, loc, inside)
        if isinstance(node, SequenceNode):
            items = cast("list[Node]", node.value)
            return [self.value(item, (*loc, i), inside) for i, item in enumerate(items)]
        return self._scalar(node, loc)

    def _mapping(self, node: MappingNode, loc: Loc, above: frozenset[int]) -> Json:
        out: dict[str, Json] = {}
        for key, value in cast("list[tuple[Node, Node]]", node.value):
            if not isinstance(key, ScalarNode):
                self._fault(loc, key, "a key must be a word")
                continue
            name = cast("str", key.value)
            here = (*loc, name)
            if name == "<<" and key.tag == f"{_TAG}merge":
                self._fault(here, key, "merge keys (<<) are not supported; write the keys out")
            elif name in out:
                first = self.lines[here]
                self._fault(here, key, f"given twice, first in line {first}; remove one of them")
            else:
                self.lines[here] = key.start_mark.line + 1
                out[name] = self.value(value, here, above)
        return out

    def _scalar(self, node: Node, loc: Loc) -> Json:
        text = cast("str", node.value)
        kind = node.tag.removeprefix(_TAG)
        if node.tag not in _PLAIN:
            self._fault(loc, node, f"the tag {node.tag} is not supported")
        elif kind == "null":
            self._fault(loc, node, "has no value; give it one, or remove the key")
        elif kind == "bool":
            return text.lower() in _TRUE
        elif kind == "int" and _INT.fullmatch(text):
            return int(text)
        elif kind == "float" and _FLOAT.fullmatch(text):
            return float(text)
        else:
            return text
        return None

    def _fault(self, loc: Loc, node: Node, message: str) -> None:
        self.faults.append(Fault(loc=loc, message=message, line=node.start_mark.line + 1))
