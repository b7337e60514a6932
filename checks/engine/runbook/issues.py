"""What is wrong with a runbook, as sentences with a path and a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from checks.engine.model import Json
from checks.engine.runbook.schema import allowed_keys
from checks.engine.runbook.source import Fault, Loc, YamlSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing that is wrong, where it stands, and what would be right.

    line:  from 1; 0 where the file could not be read at all
    where: keys from the top of the file ("checks.http_5xx.final"); "" for the file as a whole
    """

    path: Path
    line: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else f"{self.path}"
        return f"{place}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """What is wrong, without the file."""
        return f"{self.where}: {self.message}" if self.where else self.message


class RunbookError(Exception):
    """A runbook that cannot be used, with everything that is wrong with it."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues = tuple(issues)
        head = "1 error" if len(self.issues) == 1 else f"{len(self.issues)} errors"
        lines = "\n".join(f"  {issue}" for issue in self.issues)
        super().__init__(f"The runbook cannot be used: {head}.\n{lines}")


def place(loc: Loc) -> str:
    """A place as a reader looks for it: "schedule[2].at"."""
    out = ""
    for step in loc:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def meant(wrong: str, known: Sequence[str], *, what: str = "known") -> str:
    """The name that was probably meant, or all that there are."""
    close = get_close_matches(wrong, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{what}: {', '.join(known)}" if known else f"{what}: none"


def issues_of(source: YamlSource, faults: Sequence[Fault]) -> tuple[Issue, ...]:
    """Faults as issues, in the order of the file, each place and message once."""
    found = {
        Issue(
            path=source.path,
            line=fault.line or source.line(fault.loc),
            where=place(fault.loc),
            message=fault.message,
        ): None
        for fault in faults
    }
    return tuple(sorted(found, key=lambda issue: issue.line))


def shape_faults(error: ValidationError, source: YamlSource) -> list[Fault]:
    """What pydantic found, in words for a person who edits YAML."""
    return [_fault(detail, source) for detail in error.errors(include_url=False)]


def _fault(detail: ErrorDetails, source: YamlSource) -> Fault:
    loc = _known(detail["loc"], source)
    if detail["type"] == "missing":
        return Fault(loc=(*loc, detail["loc"][-1]), message="is missing")
    if detail["type"] == "extra_forbidden":
        hint = meant(str(loc[-1]), allowed_keys(loc[:-1]), what="allowed here")
        return Fault(loc=loc, message=f"unknown key; {hint}")
    return Fault(loc=loc, message=_words(detail))


def _known(loc: Loc, source: YamlSource) -> Loc:
    """The part of pydantic's location that stands in the file: it also names kinds of a union."""
    out: Loc = ()
    for step in loc:
        if (*out, step) in source.lines:
            out = (*out, step)
    return out


_EXPECTED = {
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "a text; put it in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def _words(detail: ErrorDetails) -> str:
    kind = detail["type"]
    found = _short(cast("Json", detail["input"]))
    context = detail.get("ctx", {})
    if kind in _EXPECTED:
        return f"found {found}, expected {_EXPECTED[kind]}"
    match kind:
        case "literal_error":
            words = f"found {found}, expected {context['expected']}"
        case "union_tag_invalid":
            tag, known = context["tag"], context["expected_tags"]
            words = f"{context['discriminator']} is {tag!r}, expected one of {known}"
        case "union_tag_not_found":
            words = f"{context['discriminator']} is missing"
        case "too_short":
            words = "must not be empty"
        case "greater_than_equal":
            words = f"found {found}, expected {context['ge']:g} or more"
        case "less_than_equal":
            words = f"found {found}, expected {context['le']:g} or less"
        case "value_error":
            words = str(context["error"])
        case _:
            words = f"{detail['msg']}, found {found}"
    return words


def _short(value: Json) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]}…{text[-1]}"
