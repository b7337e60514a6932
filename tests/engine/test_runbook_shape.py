"""Keys, types and durations that loading refuses, with the line of each."""

from __future__ import annotations

import pytest

from tests.engine.runbooks import edited, issues, said

HTTP = "checks.http_5xx"
W3 = "        warning: 3  # runbook 1: warning 3–5\n"
SHARE = "        warning: {above: 0.05}  # golive: half"
ANY_MINUTES = "    any:\n      minutes:\n"
SECRET = "{check: secret_leaks, quantity: proven, at_least: 1}"

# name → what is changed, the sentence, and the start of the line that is shown
SHAPE = {
    "unknown key": (
        (W3, W3.replace("warning", "warnning", 1)),
        f"{HTTP}.checkpoint.value.warnning: unknown key; did you mean 'warning'?",
        "warnning: 3",
    ),
    "unknown key without a neighbour": (
        ("min_sample: 10", "min_sample: 10\nzzz: 1"),
        "zzz: unknown key; allowed here: schedule, default_window, min_sample, min_bad,"
        " confidence, checks, decision, escalation, between, rollback, success, follow_up, history,"
        " remediation, evolution, log, database",
        "zzz: 1",
    ),
    "unknown comparison": (
        (SHARE, SHARE.replace("above", "abov")),
        "checks.message_errors.any.share.warning.abov: unknown key; did you mean 'above'?",
        "warning: {abov: 0.05}",
    ),
    "missing key": (
        ("  matrix_warnings: 3", "  # matrix_warnings: 3"),
        "decision.matrix_warnings: is missing",
        "decision:",
    ),
    "text for a number": (
        ("        warning: 3 ", "        warning: three "),
        f"{HTTP}.checkpoint.value.warning: expected a number, or a comparison such as"
        " {above: 0.10}",
        "warning: three",
    ),
    "a number in quotes": (
        ("min_sample: 10", "min_sample: '10'"),
        "min_sample: found '10', expected a whole number",
        "min_sample:",
    ),
    "a fraction for a count": (
        ("min_sample: 10", "min_sample: 2.5"),
        "min_sample: found 2.5, expected a whole number",
        "min_sample:",
    ),
    "a count below one": (
        ("min_sample: 10", "min_sample: 0"),
        "min_sample: found 0, expected 1 or more",
        "min_sample:",
    ),
    "true for a bound": (
        ("        warning: 3 ", "        warning: true "),
        f"{HTTP}.checkpoint.value.warning: expected a number, or a comparison such as"
        " {above: 0.10}",
        "warning: true",
    ),
    "not a finite number": (
        ("{above: 0.05}  # golive: half", "{above: .inf}  # golive: half"),
        "checks.message_errors.any.share.warning.above: found '.inf', expected a number",
        "warning: {above: .inf}",
    ),
    "a sexagesimal number is a text": (
        ("min_sample: 10", "min_sample: 1:30"),
        "min_sample: found '1:30', expected a whole number",
        "min_sample:",
    ),
    "text for a switch": (
        ("  retries:\n", "  retries:\n    enabled: maybe\n"),
        "checks.retries.enabled: found 'maybe', expected true or false",
        "enabled: maybe",
    ),
    "a number for a text": (
        ("        says: retries\n", "        says: 5\n"),
        "checks.retries.checkpoint.value.says: found 5, expected a text; put it in quotes",
        "says: 5",
    ),
    "a list for a mapping": (
        ("escalation:\n  critical: 2", "escalation: [2]\nx-escalation:\n  critical: 2"),
        "escalation: found a list, expected a mapping (key: value)",
        "escalation: [2]",
    ),
    "a mapping for a list": (
        ("  matrix:  # runbook", "  matrix: {a: 1}\n  other:  # runbook"),
        "decision.matrix: found a mapping, expected a list",
        "matrix: {a: 1}",
    ),
    "no value": (
        (W3, "        warning:\n"),
        f"{HTTP}.checkpoint.value.warning: has no value; give it one, or remove the key",
        "warning:",
    ),
    "neither warning nor critical": (
        (ANY_MINUTES, "    any:\n      minutes: {says: minutes}\n      old:\n"),
        "checks.service_down.any.minutes: give warning or critical, or both",
        "minutes: {says: minutes}",
    ),
    "two comparisons in one bound": (
        ("{above: 0.05}  # golive: half", "{above: 0.05, below: 0.5}  # golive: half"),
        "checks.message_errors.any.share.warning: give exactly one of at_least, above, at_most,"
        " below",
        "warning: {above: 0.05, below: 0.5}",
    ),
    "a criterion without a comparison": (
        (SECRET, "{check: secret_leaks, quantity: proven}"),
        "rollback.secret_leak.any_of[0]: give exactly one of at_least, above, at_most, below",
        "- {check: secret_leaks, quantity: proven}",
    ),
    "an unknown thing to run": (
        ("run: pulse}", "run: puls}"),
        "schedule[5].run: found 'puls', expected 'baseline', 'health', 'checkpoint 1',"
        " 'checkpoint 2', 'checkpoint 3', 'pulse' or 'final'",
        "- {at: 40m, run: puls}",
    ),
    "an empty follow-up": (
        ("  NO-GO:\n    - {every: 10m}", "  NO-GO: []\n  # - {every: 10m}"),
        "follow_up.NO-GO: must not be empty",
        "NO-GO: []",
    ),
    "an empty reason": (
        ("  retries:\n", "  retries:\n    enabled: false\n    reason: ' '\n"),
        "checks.retries.reason: must not be empty",
        "reason: ' '",
    ),
    "a negative param": (
        ("settle_seconds: 60", "settle_seconds: -1"),
        "checks.message_errors.params.settle_seconds: found -1, expected 0 or more",
        "settle_seconds: -1",
    ),
    "a bad duration": (
        ("default_window: 60m", "default_window: 60 minutes"),
        'default_window: \'60 minutes\' is no duration; write "60s", "10m", "2h" or "1d"',
        "default_window:",
    ),
    "a duration without a unit": (
        ("default_window: 60m", "default_window: 60"),
        'default_window: expected a duration such as "60s", "10m" or "2h"',
        "default_window:",
    ),
    "a duration of nothing": (
        ("{every: 15m", "{every: 0m"),
        "follow_up.MONITOR[0].every: must be longer than nothing",
        "- {every: 0m",
    ),
    "a bad window": (
        ("    window: 60m", "    window: 60min"),
        "checks.outbound_success.window: '60min' is no duration;"
        ' write "60s", "10m", "2h" or "1d"',
        "window: 60min",
    ),
    "a bad window of one column": (
        ("{checkpoint: 10m, final: 60m}", "{checkpoint: ten, final: 60m}"),
        "checks.message_errors.window.checkpoint: 'ten' is no duration;"
        ' write "60s", "10m", "2h" or "1d"',
        "window: {checkpoint: ten",
    ),
    "a bad time zone": (
        ("timezone: UTC", "timezone: Berlin"),
        "log.timezone: 'Berlin' is no time zone; write UTC or a name like Europe/Berlin",
        "timezone: Berlin",
    ),
    "a time zone that is a path": (
        ("timezone: UTC", "timezone: ../etc/passwd"),
        "log.timezone: '../etc/passwd' is no time zone; write UTC or a name like Europe/Berlin",
        "timezone: ../etc",
    ),
}


@pytest.mark.parametrize(("edit", "sentence", "line"), SHAPE.values(), ids=SHAPE)
def test_refused(edit: tuple[str, str], sentence: str, line: str) -> None:
    """The mistake is named in a sentence, at the line where it stands."""
    text = edited(edit)
    found = [shown for what, shown in said(text, issues(text)) if what == sentence]
    assert found, issues(text)
    assert found[0].startswith(line)
