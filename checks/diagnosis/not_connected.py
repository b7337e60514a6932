"""Incident 1: the status does not become connected."""

from __future__ import annotations

from checks.diagnosis.facts import Facts, Sighting, UnitFacts, sightings
from checks.diagnosis.model import (
    Incident,
    Outcome,
    Probe,
    Procedure,
    Suspect,
    clear,
    holds,
    manual,
    untested,
)
from checks.diagnosis.suspects import INSTANCE, LINK, NO_STATE, REJECTED
from checks.diagnosis.webhooks import ELSEWHERE, SECRET, settings_suspect, targets
from checks.engine.model import Problem
from checks.engine.wording import plural

_STATUS_EVENTS = ("CONNECTION_UPDATE", "QRCODE_UPDATED")
_LATELY = 3  # minutes in which an answer in the log says more than a probe that failed
_CORRECT = "Update BASE_URL to the application's public https address, and restart."


def _base_url(facts: Facts) -> Outcome:
    """Whether BASE_URL is https and answers /health with 200."""
    base, health = facts.base, facts.evidence.health
    if isinstance(base, Problem):
        return untested(base)
    if not base.https and not base.loopback:
        return holds(f"{base.shown} is not https.", manual(_CORRECT))
    if health.problem is not None:
        if not health.tries or facts.lately("http_responses", _LATELY):
            return untested(_own_trouble(health.problem) if health.tries else health.problem)
        return holds(health.problem.what, manual(f"{_CORRECT} {health.problem.mend}"))
    last = health.tries[-1] if health.tries else None
    if last is None or last.status != 200:
        said = "nothing" if last is None else f"{last.status}"
        return holds(
            f"{health.url} answers {said} and not 200.",
            manual(f"{_CORRECT} If it is right, look at the application's log."),
        )
    local = " It is an address of this machine, so https is not asked for." if base.loopback else ""
    return clear(f"{health.url} answers 200.{local}")


def _own_trouble(problem: Problem) -> Problem:
    return Problem(
        what=f"{problem.what} But the application's log shows that it answers others.",
        mend="Check the way from golive to BASE_URL; what it says about others is not known.",
    )


def _missed_update(facts: Facts) -> Outcome:
    """Whether a unit is linked in Evolution while the database does not know it."""
    seen = sightings(facts, _contradicts)
    webhooks = facts.view.count("webhooks")
    unread = facts.view.log_unknown("webhooks")
    log = unread.what if unread else f"The log shows {plural(webhooks, 'webhook')}."
    if seen.wrong:
        return holds(
            f"{plural(len(seen.wrong), 'unit')} linked in Evolution, and not connected in the "
            f"database: the event did not arrive. {log}{facts.among}",
            manual(
                "Check Evolution's log for webhooks that fail, then restart the instance there so "
                "that it tells its state again.",
                targets(seen.wrong),
            ),
            seen.lines,
        )
    if seen.problem is not None:
        return untested(seen.problem, seen.fine)
    return clear(f"Database and Evolution agree on every unit. {log}{facts.among}")


def _contradicts(unit: UnitFacts) -> Sighting:
    if unit.link is None or unit.link == "unknown":
        return Sighting(problem=unit.problem or NO_STATE)
    wrong = unit.link == "open" and unit.status != "connected"
    return Sighting(wrong=wrong, line=f"{unit.link} in Evolution, {unit.status} here")


PROCEDURE = Procedure(
    incident=Incident.NOT_CONNECTED,
    title="Status not changing to connected",
    suspects=(
        Suspect(id="base_url", title="BASE_URL incorrect", examine=_base_url),
        ELSEWHERE,
        SECRET,
        settings_suspect(_STATUS_EVENTS),
        INSTANCE,
        LINK,
        Suspect(
            id="missed_update", title="Evolution's event did not arrive", examine=_missed_update
        ),
        REJECTED,
    ),
    signals=("webhooks", "unknown_instance", "http_responses"),
    probes=frozenset({Probe.BASE_URL, Probe.EVOLUTION}),
)
