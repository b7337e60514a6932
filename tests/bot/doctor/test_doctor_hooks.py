"""What `golive doctor` says of hooks and of the rollback: whom, with which variable, no secret."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from bot.doctor.hooks import look_at_hooks
from bot.doctor.model import Line, Status
from bot.settings import NamedSecret, Settings
from checks import CHECKS
from checks.engine.runbook import Remediation, load_runbook
from checks.engine.runbook.remediation import Hook
from tests.bot.doctor.lines import bad, saying, statuses

TOKEN = "resend-token-of-the-tests-12345678"
HOOK = Hook(
    url="https://crm.example.org/resend?key=hunter2-hunter2",
    timeout=timedelta(seconds=9),
    token="RESEND_TOKEN",
)


@pytest.fixture
def rules() -> Remediation:
    """What the shipped runbook lets fixes do."""
    found = load_runbook(checks=CHECKS).remediation
    assert found is not None
    return found


def looked(rules: Remediation | None, *, listed: bool = True) -> list[Line]:
    """The lines, with the token among the secrets or not."""
    secret = NamedSecret(name="RESEND_TOKEN", value=SecretStr(TOKEN))
    settings = Settings(secrets=(secret,) if listed else ())
    return look_at_hooks(rules, settings, {"DEPLOY_TOKEN": "x"})


def test_as_shipped_all_is_by_hand(rules: Remediation) -> None:
    """Nothing is wrong with that; it is said what a hook would bring."""
    lines = looked(rules)
    assert statuses(lines) == {Status.OK, Status.SKIPPED}
    assert "in 5 steps" in saying(lines, "A rollback is done by hand").what
    resend = saying(lines, "remediation.reset_messages.resend is not set")
    assert resend.mend == "Messages that a fix reset would be handed over at once."


def test_hooks_are_named_by_host_and_variable(rules: Remediation) -> None:
    """Never by the whole address, which may hold a secret, nor by the token's value."""
    hooked = replace(
        rules,
        reset_messages=replace(rules.reset_messages, resend=HOOK),
        reset_campaign=replace(rules.reset_campaign, redispatch=replace(HOOK, token=None)),
        rollback=replace(rules.rollback, hook=HOOK),
    )
    lines = looked(hooked)
    assert statuses(lines) == {Status.OK}
    assert [line.what for line in lines] == [
        "Messages that a fix reset are handed to crm.example.org with the token of RESEND_TOKEN"
        " (remediation.reset_messages.resend).",
        "A campaign that a fix reset is handed to crm.example.org without a token"
        " (remediation.reset_campaign.redispatch).",
        "A rollback calls the hook at crm.example.org with the token of RESEND_TOKEN"
        " (remediation.rollback.hook).",
    ]
    assert "hunter2" not in str(lines)
    assert TOKEN not in str(lines)


def test_a_token_that_is_not_listed(rules: Remediation) -> None:
    """The hook would not be called: the mend names the variable."""
    lines = looked(
        replace(
            rules,
            reset_messages=replace(rules.reset_messages, resend=HOOK),
            rollback=replace(rules.rollback, hook=HOOK),
        ),
        listed=False,
    )
    assert [line.status for line in bad(lines)] == [Status.FAILED] * 2
    line = saying(lines, "The token of remediation.rollback.hook is not there")
    assert line.mend == "Set RESEND_TOKEN, and list its name in GOLIVE_SECRETS."


def test_a_rollback_s_command(rules: Remediation) -> None:
    """Found or not, before anybody needs it; its arguments are not shown."""
    there = replace(rules, rollback=replace(rules.rollback, command=(sys.executable, "-c", "x")))
    assert saying(looked(there), "A rollback runs").what.endswith(
        "with 2 arguments (remediation.rollback.command); it gets PATH, HOME, LANG alone."
    )
    given = replace(there, rollback=replace(there.rollback, environment=("DEPLOY_TOKEN",)))
    assert saying(looked(given), "A rollback runs").what.endswith("HOME, LANG and DEPLOY_TOKEN.")
    lacking = replace(there, rollback=replace(there.rollback, environment=("RAILWAY_TOKEN",)))
    (line,) = bad(looked(lacking))
    assert "is to get RAILWAY_TOKEN, which golive does not have" in line.what
    gone = replace(rules, rollback=replace(rules.rollback, command=("no-such-railway",)))
    (line,) = bad(looked(gone))
    assert line.what == (
        "The command of a rollback is not found: no-such-railway (remediation.rollback.command)."
    )
    assert line.mend == "Install it where golive runs, or give its whole path."


def test_without_remediation() -> None:
    """One line, skipped."""
    (line,) = looked(None)
    assert line.status is Status.SKIPPED
