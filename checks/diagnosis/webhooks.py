"""The webhook that Evolution sends to: compared in process, and the suspects about it.

Neither the address with its secret nor the secret of the database leaves `compare`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import SplitResult, unquote, urlsplit

from checks.diagnosis.facts import (
    NEEDED_EVENTS,
    Facts,
    Sighting,
    UnitFacts,
    WebhookFacts,
    sightings,
)
from checks.diagnosis.model import (
    Fix,
    FixKind,
    Outcome,
    Suspect,
    Target,
    clear,
    holds,
    manual,
    untested,
)
from checks.engine.masking import harmless
from checks.engine.model import Problem
from checks.engine.wording import plural

ROUTE = "/webhooks/whatsapp/evolution"
_KNOWN_WORDS = frozenset({"webhooks", "webhook", "whatsapp", "evolution", "api", "crm", "v1"})
_PORTS = {"http": 80, "https": 443}


def compare(
    url: str,
    *,
    base_url: str | None,
    secret: str,
    enabled: bool,
    events: tuple[str, ...],
    by_events: bool,
) -> WebhookFacts:
    """What a webhook is worth, without its secret.

    Args:
        url: where Evolution sends to.
        base_url: where the application is; None if that is not known.
        secret: what the database has for the connection.
        enabled: whether it sends at all.
        events: which events it sends; none named means all.
        by_events: whether the event is appended to the path.
    """
    there, here = _split(url), _split(base_url) if base_url else None
    front, given = _front_and_secret(there)
    sends = set(events or NEEDED_EVENTS) if enabled else set[str]()
    return WebhookFacts(
        address=_shown(there),
        leads_here=None if here is None else _place(here, _base_path(here)) == _place(there, front),
        secret_matches=None
        if given is None
        else bool(secret) and hmac.compare_digest(given.encode(), secret.encode()),
        enabled=enabled,
        missing=tuple(event for event in NEEDED_EVENTS if event not in sends) if enabled else (),
        by_events=by_events,
    )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        return None
    return parts


def _base_path(here: SplitResult) -> str:
    return here.path.rstrip("/") + ROUTE


def _front_and_secret(there: SplitResult | None) -> tuple[str, str | None]:
    """The path up to the secret, and the secret; None where the path has no place for one."""
    if there is None:
        return "", None
    front, _, last = there.path.rpartition("/")
    return front, unquote(last) if front.endswith(ROUTE) and last else None


def _place(parts: SplitResult | None, path: str) -> tuple[str, str, int | None, str] | None:
    if parts is None:
        return None
    port = parts.port or _PORTS.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port, path


def _shown(there: SplitResult | None) -> str:
    """Scheme, host and path, with everything in the path masked that is not a known word."""
    if there is None or not there.hostname:
        return "an address that cannot be read"
    port = f":{there.port}" if there.port else ""
    host = f"[{there.hostname}]" if ":" in there.hostname else there.hostname
    words = [word if word in _KNOWN_WORDS or not word else "[MASKED]" for word in _words(there)]
    more = "?[MASKED]" if there.query else ""
    return harmless(f"{there.scheme}://{host}{port}{'/'.join(words)}{more}", 160)


def _words(there: SplitResult) -> list[str]:
    """The path's parts. Whatever stands where a secret belongs is one, even a known word."""
    words = there.path.split("/")
    front, given = _front_and_secret(there)
    return [*front.split("/"), "[MASKED]"] if given is not None else words


# --- suspects -----------------------------------------------------------------------------------


def no_webhook_to_see(unit: UnitFacts) -> Problem | None:
    """Why nothing can be said about a unit's webhook."""
    if unit.problem is not None:
        return unit.problem
    if unit.exists is False:
        return Problem(
            what=f"Evolution has no instance {unit.instance}, so it has no webhook.",
            mend="Mend the instance first.",
        )
    return unit.webhook_problem


def targets(units: tuple[UnitFacts, ...]) -> tuple[Target, ...]:
    """The units as targets of a fix."""
    return tuple(Target(id=unit.id, name=unit.name) for unit in units)


def _examine_elsewhere(facts: Facts) -> Outcome:
    """Whether each webhook leads to BASE_URL's webhook route."""
    if isinstance(facts.base, Problem):
        return untested(facts.base)
    seen = sightings(facts, _elsewhere)
    if seen.wrong:
        return holds(
            f"{plural(len(seen.wrong), 'instance')} {_send(seen.wrong)} to another address than "
            f"{facts.base.shown}{ROUTE}/….{facts.among}",
            manual(
                f"Correct BASE_URL and restart, or set the webhook in Evolution to "
                f"{facts.base.shown}{ROUTE}/ followed by the secret of the database.",
                targets(seen.wrong),
            ),
            seen.lines,
        )
    if seen.problem is not None:
        return untested(seen.problem, seen.fine)
    return clear(f"Every webhook that is set leads to BASE_URL.{facts.among}", seen.fine)


def _elsewhere(unit: UnitFacts) -> Sighting:
    problem = no_webhook_to_see(unit)
    if problem is not None:
        return Sighting(problem=problem)
    if unit.webhook is None:
        return Sighting(line="no webhook is set")
    return Sighting(wrong=unit.webhook.leads_here is False, line=unit.webhook.address)


def _examine_secret(facts: Facts) -> Outcome:
    """Whether the secret in each webhook's address is the one of the database."""
    seen = sightings(facts, _secret)
    if seen.wrong:
        return holds(
            f"Evolution's webhook and the database have different secrets for "
            f"{plural(len(seen.wrong), 'unit')}.{facts.among}",
            Fix(
                kind=FixKind.REGENERATE_SECRET,
                step="Regenerate the secret in the database and set the new address in Evolution.",
                targets=targets(seen.wrong),
            ),
            seen.lines,
        )
    if seen.problem is not None:
        return untested(seen.problem, seen.fine)
    return clear(f"Every webhook that is set carries the database's secret.{facts.among}")


def _secret(unit: UnitFacts) -> Sighting:
    if not unit.has_secret:
        return Sighting(wrong=True, line="the database has no secret")
    problem = no_webhook_to_see(unit)
    if problem is not None:
        return Sighting(problem=problem)
    if unit.webhook is None:
        return Sighting(line="no webhook is set")
    if unit.webhook.secret_matches is None:
        return Sighting(
            problem=Problem(
                what=f"{unit.name}'s webhook has no secret in its path.",
                mend="Correct the address first.",
            )
        )
    if unit.webhook.secret_matches:
        return Sighting(line="the secret matches")
    return Sighting(wrong=True, line=f"{unit.webhook.address}: the secret does not match")


def _examine_settings(needed: tuple[str, ...]) -> Callable[[Facts], Outcome]:
    def look(unit: UnitFacts) -> Sighting:
        problem = no_webhook_to_see(unit)
        if problem is not None:
            return Sighting(problem=problem)
        fault = _settings_fault(unit.webhook, needed)
        return Sighting(wrong=bool(fault), line=fault or "set, enabled, with the events needed")

    def examine(facts: Facts) -> Outcome:
        """Whether each webhook is set, enabled, sends the events needed, and to one path."""
        seen = sightings(facts, look)
        if seen.wrong:
            return holds(
                f"Evolution does not send what the application needs for "
                f"{plural(len(seen.wrong), 'unit')}.{facts.among}",
                manual(
                    "Set the webhook in Evolution: enabled, byEvents off, with the events "
                    f"{', '.join(NEEDED_EVENTS)}.",
                    targets(seen.wrong),
                ),
                seen.lines,
            )
        if seen.problem is not None:
            return untested(seen.problem, seen.fine)
        return clear(f"Every webhook is set and enabled, with the events.{facts.among}")

    return examine


def _settings_fault(webhook: WebhookFacts | None, needed: tuple[str, ...]) -> str:
    if webhook is None:
        return "no webhook is set"
    if not webhook.enabled:
        return "the webhook is switched off"
    missing = [event for event in webhook.missing if event in needed]
    if missing:
        return f"does not send {', '.join(missing)}"
    if webhook.by_events:
        return "byEvents appends the event to the path, which the application answers with 404"
    return ""


def _send(units: tuple[UnitFacts, ...]) -> str:
    return "sends" if len(units) == 1 else "send"


ELSEWHERE = Suspect(
    id="webhook_elsewhere", title="Webhook leads elsewhere", examine=_examine_elsewhere
)
SECRET = Suspect(id="webhook_secret", title="Webhook secret mismatch", examine=_examine_secret)


def settings_suspect(needed: tuple[str, ...]) -> Suspect:
    """The suspect that Evolution does not send these events."""
    return Suspect(
        id="webhook_settings",
        title="Evolution does not send webhooks",
        examine=_examine_settings(needed),
    )
