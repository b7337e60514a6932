"""Suspects that more than one incident has: the instances in Evolution, and refused webhooks."""

from __future__ import annotations

from checks.diagnosis.facts import Facts, Sighting, UnitFacts, sightings
from checks.diagnosis.model import Outcome, Suspect, clear, holds, manual, untested
from checks.diagnosis.webhooks import targets
from checks.engine.absence import silence
from checks.engine.model import Problem
from checks.engine.wording import plural


def examine_instance(facts: Facts) -> Outcome:
    """Whether Evolution has an instance by the name that the database has."""
    seen = sightings(facts, _missing)
    if seen.wrong:
        return holds(
            f"{plural(len(seen.wrong), 'unit')} {_name(seen.wrong)} an instance that Evolution "
            f"does not have.{facts.among}",
            manual(
                "Verify that instance_id in the database matches the instance's name in Evolution.",
                targets(seen.wrong),
            ),
            seen.lines,
        )
    if seen.problem is not None:
        return untested(seen.problem, seen.fine)
    return clear(f"Evolution has every instance.{facts.among}", seen.fine)


def _missing(unit: UnitFacts) -> Sighting:
    if not unit.instance:
        return Sighting(wrong=True, line="the database has no instance_id")
    if unit.exists is None:
        return Sighting(problem=unit.problem)
    if unit.exists:
        return Sighting(line=f"{unit.instance} exists")
    return Sighting(wrong=True, line=f"Evolution has no instance {unit.instance}")


def _name(units: tuple[UnitFacts, ...]) -> str:
    return "names" if len(units) == 1 else "name"


def examine_link(facts: Facts) -> Outcome:
    """Whether each instance that exists is linked to its phone, as Evolution says."""
    seen = sightings(facts, _unlinked)
    if seen.wrong:
        return holds(
            f"{plural(len(seen.wrong), 'instance')} {_are(seen.wrong)} not linked to a phone."
            f"{facts.among}",
            manual(
                "Scan the QR code again; if it stays, restart the instance in Evolution.",
                targets(seen.wrong),
            ),
            seen.lines,
        )
    if seen.problem is not None:
        return untested(seen.problem, seen.fine)
    return clear(f"Every instance is linked (open).{facts.among}", seen.fine)


def _unlinked(unit: UnitFacts) -> Sighting:
    if unit.link == "open":
        return Sighting(line="open")
    if unit.link in ("close", "connecting"):
        return Sighting(wrong=True, line=f"{unit.link} in Evolution, {unit.status} here")
    return Sighting(problem=unit.problem or NO_STATE)


def _are(units: tuple[UnitFacts, ...]) -> str:
    return "is" if len(units) == 1 else "are"


def examine_rejected(facts: Facts) -> Outcome:
    """Whether webhooks arrive in the log and are refused: unknown instance, or wrong secret."""
    view = facts.view
    problem = view.log_unknown("webhooks", "unknown_instance") or silence(view)
    if problem is not None:
        return untested(problem)
    counted = view.count("unknown_instance")
    own = min(counted, facts.evidence.own_probes.get("unknown_instance", 0))
    refused, taken = counted - own, view.count("webhooks")
    apart = f", {own} of golive's own probes left out" if own else ""
    if refused:
        return holds(
            f"{plural(refused, 'webhook')} refused for an unknown instance or a wrong secret, "
            f"{taken} taken{apart}.",
            manual(
                "Compare the instance names in the log with instance_id, and verify "
                "EVOLUTION_API_URL and the webhook secrets."
            ),
            view.lines("unknown_instance"),
        )
    if not taken:
        return untested(_NO_WEBHOOK)
    return clear(f"{plural(taken, 'webhook')} taken, none refused{apart}.")


NO_STATE = Problem(
    what="Evolution did not tell the instance's state.",
    mend="Look at the instance in Evolution's dashboard.",
)
_NO_WEBHOOK = Problem(
    what="The log shows no webhook in the window: none came, or nothing happened.",
    mend="Send a WhatsApp message to a connected number, and diagnose again.",
)

INSTANCE = Suspect(id="instance_mismatch", title="Instance name mismatch", examine=examine_instance)
LINK = Suspect(id="instance_state", title="Instance not linked", examine=examine_link)
REJECTED = Suspect(
    id="webhooks_rejected", title="Webhooks arrive and are refused", examine=examine_rejected
)
