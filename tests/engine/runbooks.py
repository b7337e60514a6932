"""The shipped runbook with something changed in it, and what loading it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from checks.engine.check import Check
from checks.engine.runbook import (
    Issue,
    LintNote,
    Runbook,
    RunbookError,
    lint,
    parse_runbook,
    shipped_runbook,
)
from tests.engine.standins import ALL

PATH = Path("conf/runbook.yaml")
_LOG = """\

log:
  timezone: UTC
  profiles:
    plain:
      about: one record a line
      recognise: '^(GET|POST|EVENT) '
      responses:
        kind: line
        pattern: '^(?:GET|POST) (?P<path>\\S+) (?P<status>[1-5][0-9]{2})$'
        example: 'GET /orders 200'
        status_after: 'orders '
      signals:
        retry: {pattern: '^EVENT retry [0-9]+', example: 'EVENT retry 1'}
        send_ok: {pattern: '^EVENT sent', example: 'EVENT sent'}
    fields:
      about: one JSON object a line
      recognise: '^\\{'
      responses:
        kind: json
        status: [res.statusCode]
        path: [req.url]
        time: [time]
        message: [msg]
        example: '{"time": 1, "res": {"statusCode": 200}, "req": {"url": "/"}, "msg": "done"}'
      signals_of: plain
    records:
      about: requests and responses apart
      recognise: '^(REQ|RES) '
      responses:
        kind: paired
        request: 'REQ '
        response: 'RES '
        id: 'id='
        status: 'status='
        example: 'RES id=7 status=200'
"""


def shipped() -> str:
    """The shipped runbook, with small log profiles in place of its own."""
    text = shipped_runbook().read_text(encoding="utf-8")
    return text[: text.index("\nlog:\n")] + _LOG


def edited(*edits: tuple[str, str]) -> str:
    """The runbook with each text (it must be there) replaced once."""
    text = shipped()
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def load(text: str, checks: Sequence[Check] = ALL) -> Runbook:
    """A runbook from its text."""
    return parse_runbook(text.encode(), path=PATH, checks=checks)


def issues(text: str | bytes, checks: Sequence[Check] = ALL) -> tuple[Issue, ...]:
    """What loading refuses; () when it does not."""
    raw = text if isinstance(text, bytes) else text.encode()
    try:
        parse_runbook(raw, path=PATH, checks=checks)
    except RunbookError as error:
        return error.issues
    return ()


def notes(text: str) -> tuple[LintNote, ...]:
    """What lint says about a runbook that loads."""
    return lint(load(text))


def said(text: str, found: Sequence[Issue]) -> list[tuple[str, str]]:
    """Each issue's sentence, and the text of the line that it points at."""
    lines = text.splitlines()
    return [(issue.sentence, lines[issue.line - 1].strip()) for issue in found]
