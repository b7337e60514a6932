"""What follows a fix, and how a release is rolled back, by the runbook: nothing is called."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Final

from bot.doctor.model import Line, failed, ok, skipped
from bot.settings import Settings
from checks.engine.masking import harmless, mask
from checks.engine.runbook import Remediation, RollbackPlan
from checks.engine.runbook.remediation import Hook
from checks.engine.wording import plural

_PLACE: Final = "remediation"


def look_at_hooks(
    rules: Remediation | None, settings: Settings, environment: Mapping[str, str]
) -> list[Line]:
    """Whom golive would call, and whether it has what that takes.

    Args:
        rules: what the runbook lets fixes do; None where it lets nothing be fixed.
        settings: list the secrets that a hook's token may be.
        environment: of this process, of which a rollback's command gets a part.
    """
    secrets = [secret.name for secret in settings.secrets]
    if rules is None:
        brings = f"With a {_PLACE} part fixes and rollbacks are offered."
        return [skipped(f"runbook.yaml has no {_PLACE}: no fix is offered.", brings)]
    return [
        _hook(
            rules.reset_messages.resend,
            "reset_messages.resend",
            "Messages that a fix reset",
            secrets,
        ),
        _hook(
            rules.reset_campaign.redispatch,
            "reset_campaign.redispatch",
            "A campaign that a fix reset",
            secrets,
        ),
        _rollback(rules.rollback, secrets, environment),
    ]


def _hook(hook: Hook | None, place: str, about: str, secrets: Sequence[str]) -> Line:
    if hook is None:
        said = f"{_PLACE}.{place} is not set: it is a step by hand, with a tick."
        return skipped(said, f"{about} would be handed over at once.")
    lacking = _lacking(hook, place, secrets)
    token = f" with the token of {hook.token}" if hook.token else " without a token"
    verb = "are" if about.startswith("Messages") else "is"
    return lacking or ok(f"{about} {verb} handed to {_host(hook)}{token} ({_PLACE}.{place}).")


def _rollback(plan: RollbackPlan, secrets: Sequence[str], environment: Mapping[str, str]) -> Line:
    place = f"{_PLACE}.rollback"
    if plan.hook is not None:
        token = f" with the token of {plan.hook.token}" if plan.hook.token else " without a token"
        said = f"A rollback calls the hook at {_host(plan.hook)}{token} ({place}.hook)."
        return _lacking(plan.hook, "rollback.hook", secrets) or ok(said)
    if plan.command:
        name = harmless(mask(plan.command[0]), 80)
        if shutil.which(plan.command[0]) is None:
            return failed(
                f"The command of a rollback is not found: {name} ({place}.command).",
                "Install it where golive runs, or give its whole path.",
            )
        unset = [variable for variable in plan.environment if variable not in environment]
        if unset:
            return failed(
                f"The command of a rollback is to get {', '.join(unset)}, which golive does not"
                f" have ({place}.environment).",
                "Set it where golive runs, or take it off the list.",
            )
        rest = plural(len(plan.command) - 1, "argument")
        also = f" and {', '.join(plan.environment)}" if plan.environment else " alone"
        return ok(
            f"A rollback runs {name} with {rest} ({place}.command); it gets PATH, HOME, LANG{also}."
        )
    return ok(f"A rollback is done by hand, in {plural(len(plan.steps), 'step')} ({place}.steps).")


def _lacking(hook: Hook, place: str, secrets: Sequence[str]) -> Line | None:
    if hook.token is None or hook.token in secrets:
        return None
    return failed(
        f"The token of {_PLACE}.{place} is not there: {hook.token} is not in GOLIVE_SECRETS.",
        f"Set {hook.token}, and list its name in GOLIVE_SECRETS.",
    )


def _host(hook: Hook) -> str:
    """Whom it calls; the rest of an address may hold a secret."""
    return harmless(hook.host, 100)
