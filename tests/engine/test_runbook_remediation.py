"""`remediation:` in runbook.yaml: each wrong value with its place and mend, each contradiction."""

from __future__ import annotations

import pytest

from bot.remediation.engine import LEASE
from checks.engine.runbook.lint_remediation import LONGEST_STATEMENT
from tests.engine.runbooks import edited, issues, load, notes, said, shipped

STATUS = "    status: queued "
RESEND = (
    "    # resend: {url: https://crm.example.org/internal/resend,"
    " token: RESEND_TOKEN, timeout: 10s}"
)
REDISPATCH = (
    "    # redispatch: {url: https://crm.example.org/internal/dispatch,"
    " token: RESEND_TOKEN, timeout: 10s}"
)
COMMAND = "    # command: [railway, rollback, --yes]"
HOOK = "    # hook: {url: https://api.example.org/deploy-hook, timeout: 60s}"
NO_ADDRESS = "must be an https:// address without credentials in it"
NO_DURATION = 'expected a duration such as "60s", "10m" or "2h"'

WRONG = {
    "a status that nothing sends": (
        (STATUS, "    status: sent "),
        "reset_messages.status: found 'sent', expected 'queued' or 'pending'",
        "status: sent",
    ),
    "a flag in words": (
        ("only_retried: true", "only_retried: sometimes"),
        "reset_messages.only_retried: found 'sometimes', expected true or false",
        "only_retried:",
    ),
    "an empty error": (
        ("      - not on whatsapp", "      - ''"),
        "reset_messages.permanent_errors[2]: must not be empty",
        "- ''",
    ),
    "a span in words": (
        ("    within: 1h", "    within: an hour"),
        'reset_messages.within: \'an hour\' is no duration; write "60s", "10m", "2h" or "1d"',
        "within: an hour",
    ),
    "a hook in the clear": (
        (RESEND, "    resend: {url: http://crm.example.org/resend, timeout: 10s}"),
        f"reset_messages.resend.url: {NO_ADDRESS}",
        "resend:",
    ),
    "a hook with a password in it": (
        (RESEND, "    resend: {url: 'https://u:hunter2@crm.example.org/', timeout: 10s}"),
        f"reset_messages.resend.url: {NO_ADDRESS}",
        "resend:",
    ),
    "a hook without a host": (
        (RESEND, "    resend: {url: 'https:///resend', timeout: 10s}"),
        f"reset_messages.resend.url: {NO_ADDRESS}",
        "resend:",
    ),
    "a hook that may hang for ever": (
        (REDISPATCH, "    redispatch: {url: https://crm.example.org/}"),
        "reset_campaign.redispatch.timeout: is missing",
        "redispatch:",
    ),
    "a token in the file": (
        (REDISPATCH, "    redispatch: {url: https://a.example, token: hunter2-x, timeout: 9s}"),
        "reset_campaign.redispatch.token: is no name of an environment variable, such as"
        " RESEND_TOKEN",
        "redispatch:",
    ),
    "an address alone": (
        (HOOK, "    hook: https://api.example.org/deploy?key=hunter2"),
        "rollback.hook: expected a mapping, such as {url: https://…, timeout: 10s}",
        "hook:",
    ),
    "a command for a shell": (
        (COMMAND, "    command: railway rollback --yes"),
        "rollback.command: found 'railway rollback --yes', expected a list",
        "command:",
    ),
    "a command of nothing": (
        (COMMAND, "    command: []"),
        "rollback.command: must not be empty",
        "command: []",
    ),
    "a command of numbers": (
        (COMMAND, "    command: [sleep, 10]"),
        "rollback.command[1]: found 10, expected a text; put it in quotes",
        "command:",
    ),
    "a command and a hook": (
        (COMMAND, "    command: [x]\n    hook: {url: https://api.example.org/, timeout: 60s}"),
        "rollback: give command or hook, not both",
        "rollback:",
    ),
    "no step by hand": (
        ("    steps:  # runbook, rollback procedure", "    steps: []\n    stages:  # runbook"),
        "rollback.steps: must not be empty",
        "steps: []",
    ),
    "a cap of nothing": (
        ("max_rows: 500", "max_rows: 0"),
        "max_rows: found 0, expected 1 or more",
        "max_rows: 0",
    ),
    "a cap in words": (
        ("max_rows: 500", "max_rows: many"),
        "max_rows: found 'many', expected a whole number",
        "max_rows: many",
    ),
    "three operators": (
        ("approvals: 1", "approvals: 3"),
        "approvals: found 3, expected 2 or less",
        "approvals: 3",
    ),
    "no operator": (
        ("approvals: 1", "approvals: 0"),
        "approvals: found 0, expected 1 or more",
        "approvals: 0",
    ),
    "operators in words": (
        ("approvals: 1", "approvals: yes"),
        "approvals: found true, expected a whole number",
        "approvals: yes",
    ),
    "a time-out without a unit": (
        ("lock_timeout: 3s", "lock_timeout: 3"),
        f"lock_timeout: {NO_DURATION}",
        "lock_timeout: 3",
    ),
    "no time at all": (
        ("statement_timeout: 15s", "statement_timeout: 0s"),
        "statement_timeout: must be longer than nothing",
        "statement_timeout: 0s",
    ),
    "an unknown key": (
        ("max_rows: 500", "max_rows: 500\n  max_row: 5"),
        "max_row: unknown key; did you mean 'max_rows'?",
        "max_row: 5",
    ),
    "an unknown key of a hook": (
        (RESEND, "    resend: {url: https://a.example/, timeout: 9s, tokens: RESEND_TOKEN}"),
        "reset_messages.resend.tokens: unknown key; did you mean 'token'?",
        "resend:",
    ),
}

NOTES = {
    "undone before it is looked at": (
        ("undo_for: 30m", "undo_for: 2m"),
        "undo_for: ends before the fix is looked at again, so nobody knows yet whether to undo it",
        "undo_for: 2m",
    ),
    "a lock waited for as long as the statement": (
        ("lock_timeout: 3s", "lock_timeout: 15s"),
        "lock_timeout: is not shorter than statement_timeout, which ends the wait first",
        "lock_timeout: 15s",
    ),
    "a statement longer than its claim is safe": (
        ("statement_timeout: 15s", "statement_timeout: 31s"),
        "statement_timeout: is longer than 30s: another process could take the fix for given up"
        " while it runs",
        "statement_timeout: 31s",
    ),
    "messages that no check counts": (
        ("    within: 1h", "    within: 2h"),
        "reset_messages.within: is longer than default_window: messages would be reset that no"
        " check counts",
        "within: 2h",
    ),
    "a campaign reset before it stands still": (
        ("    still_for: 10m", "    still_for: 9m"),
        "reset_campaign.still_for: is shorter than checks.campaigns.params.still_seconds: it could"
        " be reset before the check says that it stands still",
        "still_for: 9m",
    ),
    "a hook longer than the rollback": (
        (HOOK, "    hook: {url: https://api.example.org/deploy-hook, timeout: 11m}"),
        "rollback.hook.timeout: is longer than rollback.timeout, which bounds the whole rollback",
        "hook:",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_is_refused(name: str) -> None:
    """By its place, with what is expected; and no secret is repeated."""
    edit, sentence, line = WRONG[name]
    text = edited(edit)
    found = said(text, issues(text))
    assert (f"remediation.{sentence}", True) in [(s, at.startswith(line)) for s, at in found]
    assert "hunter2" not in str([s for s, _ in found])


@pytest.mark.parametrize("name", NOTES)
def test_a_contradiction(name: str) -> None:
    """It loads, and lint says where it cannot be meant."""
    edit, sentence, line = NOTES[name]
    text = edited(edit)
    ((note, at),) = said(text, notes(text))
    assert note == f"remediation.{sentence}"
    assert at.startswith(line)


def test_all_wrong_values_at_once() -> None:
    """One mistake hides no other."""
    text = edited(
        ("approvals: 1", "approvals: 3"),
        ("max_rows: 500", "max_rows: 0"),
        (STATUS, "    status: sent "),
        (COMMAND, "    command: railway rollback"),
    )
    assert [issue.where for issue in issues(text)] == [
        "remediation.approvals",
        "remediation.max_rows",
        "remediation.reset_messages.status",
        "remediation.rollback.command",
    ]


def test_hooks_as_the_file_shows_them_are_taken() -> None:
    """What stands there as a comment is right when its sign is taken away."""
    text = edited(*((line, line.replace("# ", "", 1)) for line in (RESEND, REDISPATCH, HOOK)))
    rules = load(text).remediation
    assert rules is not None
    assert rules.reset_messages.resend is not None
    assert rules.reset_campaign.redispatch is not None
    assert rules.rollback.hook is not None
    assert rules.rollback.hook.host == "api.example.org"
    assert notes(text) == ()


def test_a_command_as_the_file_shows_it_is_taken() -> None:
    """An argv, in its order."""
    rules = load(edited((COMMAND, COMMAND.replace("# ", "", 1)))).remediation
    assert rules is not None
    assert rules.rollback.command == ("railway", "rollback", "--yes")


def test_without_it_no_fix_is_offered() -> None:
    """The part may be left out as a whole."""
    text = shipped()
    start, end = text.index("remediation:\n"), text.index("\nlog:\n")
    assert load(text[:start] + text[end:]).remediation is None


def test_what_lint_calls_too_long_is_well_below_a_claim_s_lease() -> None:
    """The bound of a statement and of the claim that covers it are set in two rooms."""
    assert LONGEST_STATEMENT * 2 <= LEASE
