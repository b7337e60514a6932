"""Names and bounds that loading refuses although their shape is right, with the line of each."""

from __future__ import annotations

import pytest

from tests.engine.runbooks import edited, issues, said

HTTP = "checks.http_5xx"
W3 = "        warning: 3  # runbook 1: warning 3–5\n"
C6 = "        critical: 6  # runbook 1: critical > 5\n"
ANY_MINUTES = "    any:\n      minutes:\n"
SECRET = "{check: secret_leaks, quantity: proven, at_least: 1}"

# name → what is changed, the sentence, and the start of the line that is shown
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
        "checks.connection_stability.params.grace_second: unknown param;"
        " did you mean 'grace_seconds'?",
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
    "a flag that is counted": (
        ("        critical: 1  # runbook, schedule", "        critical: 2  # runbook, schedule"),
        "checks.health.any.failed.critical: at least 2 does not tell 0 from 1, and it is only ever"
        " 0 or 1; write 1",
        "critical: 2",
    ),
    "a share that nothing exceeds": (
        ("critical: {above: 0.10}  # runbook 5", "critical: {above: 1}  # runbook 5"),
        "checks.message_errors.any.share: no value of share can be CRITICAL",
        "share:",
    ),
    "a share in per cent": (
        ("{above: 0.05}  # golive: half", "{above: 5}  # golive: half"),
        "checks.message_errors.any.share.warning: 5 is no share: a share lies between 0 and 1;"
        " 5 % is 0.05",
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
        " 50 % is 0.5",
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
            "{at: 20m, run: checkpoint 2}  # runbook, schedule: T+20\n"
            "  - {at: 30m, run: checkpoint 3}",
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


@pytest.mark.parametrize(("edit", "sentence", "line"), MEANING.values(), ids=MEANING)
def test_refused(edit: tuple[str, str], sentence: str, line: str) -> None:
    """The mistake is named in a sentence, at the line where it stands."""
    text = edited(edit)
    found = [shown for what, shown in said(text, issues(text)) if what == sentence]
    assert found, issues(text)
    assert found[0].startswith(line)
