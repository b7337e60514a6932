"""What is refused as a whole: all errors at once, and what is no YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.engine.runbook import Issue, RunbookError, parse_runbook
from tests.engine.runbooks import edited, issues, load, said, shipped
from tests.engine.standins import ALL, check

W3 = "        warning: 3  # runbook 1: warning 3–5\n"
SHARE = "        warning: {above: 0.05}  # golive: half"


def test_the_unchanged_runbook_is_not_refused() -> None:
    """What these tests edit is itself without fault."""
    assert issues(shipped()) == ()


def test_a_check_neither_configured_nor_switched_off() -> None:
    """A check that golive has and the file does not mention is named."""
    text = shipped()
    start, end = text.index("  retries:\n"), text.index("  database_activity:\n")
    text = text[:start] + text[end:]
    assert said(text, issues(text)) == [
        (
            "checks: retries is missing; configure it, or give enabled: false and a reason",
            "checks:",
        )
    ]


def test_all_errors_together_in_the_order_of_the_file() -> None:
    """One mistake hides no other: shape, meaning, repeated keys and patterns come at once."""
    text = edited(
        ("default_window: 60m", "default_window: long"),
        ("min_sample: 10", "min_sample: 10\nmin_sample: 12"),
        (W3, W3.replace("warning", "warnning", 1)),
        (SHARE, SHARE.replace("0.05", "5")),
        ("quantity: proven, at_least", "quantity: proof, at_least"),
        ("'^EVENT sent'", "'^EVENT (?=sent)'"),
    )
    found = issues(text)
    assert [issue.where for issue in found] == [
        "default_window",
        "min_sample",
        "checks.http_5xx.checkpoint.value.warnning",
        "checks.message_errors.any.share.warning",
        "rollback.secret_leak.any_of[0].quantity",
        "log.profiles.plain.signals.send_ok.pattern",
    ]
    assert [issue.line for issue in found] == sorted(issue.line for issue in found)


def test_the_error_lists_each_with_path_and_line() -> None:
    """What is printed can be clicked on: path, line, place, reason."""
    text = edited((W3, W3.replace("warning", "warnning", 1)), ("min_sample: 10", "min_sample: 0"))
    lines = text.splitlines()
    wrong = next(i for i, line in enumerate(lines, 1) if "warnning" in line)
    sample = next(i for i, line in enumerate(lines, 1) if line.startswith("min_sample"))
    with pytest.raises(RunbookError) as caught:
        load(text)
    assert str(caught.value) == (
        "The runbook cannot be used: 2 errors.\n"
        f"  conf/runbook.yaml:{sample}: min_sample: found 0, expected 1 or more\n"
        f"  conf/runbook.yaml:{wrong}: checks.http_5xx.checkpoint.value.warnning: unknown key;"
        " did you mean 'warning'?"
    )


YAML = {
    "a repeated key": (
        "min_sample: 10\nmin_sample: 12\n",
        2,
        "min_sample: given twice, first in line 1; remove one of them",
    ),
    "a broken quote": (
        "log:\n  timezone: 'UTC\n",
        3,
        "not valid YAML: while scanning a quoted scalar found unexpected end of stream",
    ),
    "a tab": (
        "log:\n\ttimezone: UTC\n",
        2,
        "not valid YAML: while scanning for the next token found character '\\t' that cannot"
        " start any token",
    ),
    "two documents": (
        "a: 1\n---\nb: 2\n",
        2,
        "not valid YAML: expected a single document in the stream but found another document",
    ),
    "an empty file": ("", 1, "the file is empty"),
    "only comments": ("# nothing\n", 1, "the file is empty"),
    "a control character": (
        "a: 1\nb: \x07\n",
        2,
        "not valid YAML: special characters are not allowed",
    ),
    "an unknown alias": (
        "a: *b\n",
        1,
        "not valid YAML: found undefined alias 'b'",
    ),
    "an alias in itself": (
        "log: &a\n  more: *a\n",
        1,
        "log.more: an alias (*) that contains itself",
    ),
    "a merge key": (
        "a: &a {b: 1}\nlog:\n  <<: *a\n",
        3,
        "log.<<: merge keys (<<) are not supported; write the keys out",
    ),
    "a tag": ("a: !!python/name:os.system x\n", 1, None),
    "a key that is a list": ("? [a]\n: 1\n", 1, "a key must be a word"),
    "a list for the file": ("- a\n", 1, "found a list, expected a mapping (key: value)"),
    "a word for the file": ("hello\n", 1, "found 'hello', expected a mapping (key: value)"),
    "nesting without end": ("[" * 3000, 1, "not valid YAML: nested too deeply"),
}


@pytest.mark.parametrize(("text", "line", "sentence"), YAML.values(), ids=YAML)
def test_what_is_no_yaml(text: str, line: int, sentence: str | None) -> None:
    """What YAML itself does not allow is named with its line."""
    expected = sentence or "a: the tag tag:yaml.org,2002:python/name:os.system is not supported"
    assert (line, expected) in [(issue.line, issue.sentence) for issue in issues(text)]


def test_not_utf8() -> None:
    """A file in another encoding is named as such, with the first line that shows it."""
    assert issues(b"a: 1\nb: caf\xe9\n") == (
        Issue(
            path=Path("conf/runbook.yaml"),
            line=2,
            where="",
            message="not UTF-8; save the file in UTF-8",
        ),
    )


def test_an_alias_is_what_it_stands_for() -> None:
    """Bounds may be written once and used twice."""
    text = edited(
        ("    final:\n      value:\n        says: 5xx responses\n", "    final: *http\n    x:\n"),
        (
            "    checkpoint:\n      value:\n        says: 5xx",
            "    checkpoint: &http\n      value:\n        says: 5xx",
        ),
    )
    start = text.index("    x:\n")
    text = text[:start] + text[text.index("\n  auth_errors:") :]
    rule = load(text).rule("http_5xx", "final")
    assert rule is not None
    assert rule == load(text).rule("http_5xx", "1")


def test_a_check_added_by_a_user_has_to_be_configured() -> None:
    """The file is held against the checks that are given, whatever they are."""
    more = (*ALL, check("disk_space", "free_share"))
    assert [issue.sentence for issue in issues(shipped(), more)] == [
        "checks: disk_space is missing; configure it, or give enabled: false and a reason"
    ]


def test_parsing_needs_no_file() -> None:
    """The bytes of a runbook are enough; the path is for messages only."""
    assert (
        parse_runbook(shipped().encode(), path=Path("nowhere"), checks=ALL).sample.min_sample == 10
    )
