"""Everything that loading refuses, with its sentence and the line that it points at."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.engine.runbook import Issue, RunbookError, parse_runbook
from tests.engine.runbooks import edited, issues, load, said, shipped
from tests.engine.standins import ALL

HTTP = "checks.http_5xx"
W3 = "        warning: 3  # runbook 1: warning 3–5\n"
C6 = "        critical: 6  # runbook 1: critical > 5\n"
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
        "zzz: unknown key; allowed here: schedule, default_window, min_sample, checks, decision,"
        " escalation, rollback, success, follow_up, log",
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
        ("escalation:\n  critical: 2", "escalation: [2]\nx-critical: 2"),
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
        ("every: 15m", "every: 0m"),
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

MEANING = {
    "unknown check": (
        ("  rate_limits:\n", "  rate_limit:\n    any: {}\n  rate_limits:\n"),
        "checks.rate_limit: unknown check; did you mean 'rate_limits'?",
        "rate_limit:",
    ),
    "unknown quantity": (
        (ANY_MINUTES, ANY_MINUTES.replace("minutes", "minute")),
        "checks.service_down.any.minute: unknown quantity; did you mean 'minutes'?",
        "minute:",
    ),
    "unknown param": (
        ("grace_seconds: 120", "grace_seconds: 120\n      grace_second: 2"),
        "checks.connection_stability.params.grace_second: unknown param; did you mean 'grace_seconds'?",
        "grace_second: 2",
    ),
    "param of a check that has none": (
        ("  retries:\n", "  retries:\n    params: {grace: 2}\n"),
        "checks.retries.params.grace: unknown param; known: none",
        "params: {grace: 2}",
    ),
    "missing param": (
        ("      flap_disconnects: 3", "      # flap_disconnects: 3"),
        "checks.connection_stability.params: the param flap_disconnects is missing",
        "params:",
    ),
    "switched off without a reason": (
        ("  retries:\n", "  retries:\n    enabled: false\n"),
        "checks.retries: is switched off without a reason; add reason: …",
        "retries:",
    ),
    "any beside checkpoint": (
        ("  retries:\n", "  retries:\n    any: {value: {warning: 1}}\n"),
        "checks.retries.any: gives any and also checkpoint and final;"
        " give any, or checkpoint and final",
        "any: {value: {warning: 1}}",
    ),
    "checkpoint without final": (
        (ANY_MINUTES, ANY_MINUTES.replace("any", "checkpoint")),
        "checks.service_down: gives checkpoint but not final; give both, or any",
        "service_down:",
    ),
    "no bounds at all": (
        ("  retries:\n", "  retries:\n    any: {}\n"),
        "checks.retries.any: must not be empty",
        "any: {}",
    ),
    "critical equal to warning": (
        (C6, C6.replace("6", "3", 1)),
        f"{HTTP}.checkpoint.value: critical (at least 3) is reached before or together with"
        " warning (at least 3), so no value is WARNING",
        "value:",
    ),
    "critical easier than warning": (
        (C6, C6.replace("6", "2", 1)),
        f"{HTTP}.checkpoint.value: critical (at least 2) is reached before or together with"
        " warning (at least 3), so no value is WARNING",
        "value:",
    ),
    "the same bound in other words": (
        (C6, C6.replace("6", "{above: 2}", 1)),
        f"{HTTP}.checkpoint.value: critical (above 2) is reached before or together with"
        " warning (at least 3), so no value is WARNING",
        "value:",
    ),
    "opposite directions": (
        (C6, C6.replace("6", "{at_most: 1}", 1)),
        f"{HTTP}.checkpoint.value: warning and critical point in opposite directions:"
        " is more worse, or less?",
        "value:",
    ),
    "everything is bad": (
        (W3, W3.replace("3", "0", 1)),
        f"{HTTP}.checkpoint.value: every value of value would be bad: none is left for OK",
        "value:",
    ),
    "a share that nothing exceeds": (
        ("critical: {above: 0.10}  # runbook 5", "critical: {above: 1}  # runbook 5"),
        "checks.message_errors.any.share: no value of share can be CRITICAL",
        "share:",
    ),
    "a share in per cent": (
        ("{above: 0.05}  # golive: half", "{above: 5}  # golive: half"),
        "checks.message_errors.any.share.warning: 5 is no share: a share lies between 0 and 1;"
        " 10 % is 0.10, so 5 % is 0.05",
        "warning: {above: 5}",
    ),
    "a negative share": (
        ("{above: 0.05}  # golive: half", "{above: -0.5}  # golive: half"),
        "checks.message_errors.any.share.warning: -0.5 is no share: a share lies between 0 and 1",
        "warning: {above: -0.5}",
    ),
    "a negative count": (
        (W3, W3.replace("3", "-3", 1)),
        f"{HTTP}.checkpoint.value.warning: -3 can never be reached: value is never negative",
        "warning: -3",
    ),
    "a fraction of a count": (
        (W3, W3.replace("3", "2.5", 1)),
        f"{HTTP}.checkpoint.value.warning: 2.5 is not a whole number, and value is counted",
        "warning: 2.5",
    ),
    "a matrix metric that does not exist": (
        ("    - rate_limits\n", "    - rate_limit\n"),
        "decision.matrix[4]: unknown check 'rate_limit'; did you mean 'rate_limits'?",
        "- rate_limit",
    ),
    "a matrix metric twice": (
        ("    - rate_limits\n", "    - retries\n"),
        "decision.matrix[4]: retries is listed twice",
        "- retries",
    ),
    "a criterion of an unknown check": (
        (SECRET, SECRET.replace("secret_leaks", "secret_leak")),
        "rollback.secret_leak.any_of[0].check: unknown check 'secret_leak';"
        " did you mean 'secret_leaks'?",
        "- {check: secret_leak,",
    ),
    "a criterion of an unknown quantity": (
        (SECRET, SECRET.replace("proven", "proof")),
        "rollback.secret_leak.any_of[0].quantity: secret_leaks has no quantity 'proof';"
        " known: proven, attempted",
        "- {check: secret_leaks, quantity: proof,",
    ),
    "a criterion that nothing meets": (
        (SECRET, SECRET.replace("at_least: 1", "below: 0")),
        "rollback.secret_leak.any_of[0].below: no value of proven can meet this",
        "- {check: secret_leaks, quantity: proven, below: 0}",
    ),
    "a criterion with a share in per cent": (
        ("quantity: failed_share, above: 0.5}", "quantity: failed_share, above: 50}"),
        "rollback.messages_failing.any_of[0].above: 50 is no share: a share lies between 0 and 1;"
        " 10 % is 0.10, so 50 % is 0.5",
        "- {check: outbound_success, quantity: failed_share, above: 50}",
    ),
    "a criterion about nothing": (
        ("  inbound_processed:\n", "  greeted: {}\n  inbound_processed:\n"),
        "success.greeted: names no check; give any_of: a check, a quantity, a bound",
        "greeted: {}",
    ),
    "no_critical with a source": (
        ("  no_critical: {}", f"  no_critical: {{any_of: [{SECRET}]}}"),
        "success.no_critical.any_of: is about the levels of all checks and has no any_of",
        "no_critical:",
    ),
    "a point that is not later": (
        ("{at: 40m, run: pulse}", "{at: 30m, run: pulse}"),
        "schedule[5].at: is not later than the point before it",
        "- {at: 30m, run: pulse}",
    ),
    "a baseline that is late": (
        ("{at: 0m, run: baseline}", "{at: 1m, run: baseline}"),
        "schedule[0]: must be the baseline at 0m",
        "- {at: 1m, run: baseline}",
    ),
    "a second baseline": (
        ("{at: 40m, run: pulse}", "{at: 40m, run: baseline}"),
        "schedule: there can be only one baseline",
        "schedule:",
    ),
    "a checkpoint that is missing": (
        ("{at: 20m, run: checkpoint 2}", "{at: 20m, run: pulse}"),
        "schedule: checkpoint 2 is missing; each runs once",
        "schedule:",
    ),
    "checkpoints in another order": (
        (
            "{at: 20m, run: checkpoint 2}  # runbook, schedule: T+20\n  - {at: 30m, run: checkpoint 3}",
            "{at: 20m, run: checkpoint 3}\n  - {at: 30m, run: checkpoint 2}",
        ),
        "schedule: must be in this order: checkpoint 1, checkpoint 2, checkpoint 3, final",
        "schedule:",
    ),
    "something after the final review": (
        ("\ndefault_window", "  - {at: 70m, run: pulse}\n\ndefault_window"),
        "schedule[8]: the last point must be the final review",
        "- {at: 70m, run: pulse}",
    ),
}


@pytest.mark.parametrize(
    ("edit", "sentence", "line"), [*SHAPE.values(), *MEANING.values()], ids=[*SHAPE, *MEANING]
)
def test_refused(edit: tuple[str, str], sentence: str, line: str) -> None:
    """The mistake is named in a sentence, at the line where it stands."""
    text = edited(edit)
    found = [shown for what, shown in said(text, issues(text)) if what == sentence]
    assert found, issues(text)
    assert found[0].startswith(line)


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
    from tests.engine.standins import check

    more = (*ALL, check("disk_space", "free_share"))
    assert [issue.sentence for issue in issues(shipped(), more)] == [
        "checks: disk_space is missing; configure it, or give enabled: false and a reason"
    ]


def test_parsing_needs_no_file() -> None:
    """The bytes of a runbook are enough; the path is for messages only."""
    assert parse_runbook(shipped().encode(), path=Path("nowhere"), checks=ALL).min_sample == 10
