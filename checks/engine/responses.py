"""Counting responses by status: what the 5xx, 401/403 and 429 checks have in common."""

from __future__ import annotations

from collections import Counter

from checks.engine.absence import nothing_seen
from checks.engine.check import View, unknown
from checks.engine.model import Json, Measurement, Quantity

_TOP_ROUTES = 5
_MAX_LINES = 5
_UNPAIRED_LINES = 2
_HEALTH = "/health"


def measure_responses(view: View, signals: tuple[str, ...], *, unit: str, noun: str) -> Measurement:
    """Count responses of some statuses among all that were recognised, by route.

    No response at all is unknown: zero errors among zero responses proves nothing. What golive's
    own probes caused is subtracted and shown.
    """
    problem = view.log_unknown("http_responses", *signals)
    if problem is not None:
        return unknown(unit, problem)
    responses = view.count("http_responses")
    if responses == 0:
        return unknown(unit, nothing_seen(view, "response"), _trust(view))
    own = sum(view.evidence.own_probes.get(signal, 0) for signal in signals)
    value = max(0, sum(view.count(signal) for signal in signals) - own)
    details: dict[str, Json] = {"responses": responses, "share": round(value / responses, 4)}
    if own:
        details["own_probes_subtracted"] = own
    routes = _routes(view, signals, own) if value else {}
    if routes:
        details["routes"] = routes
    return Measurement(
        value=value,
        unit=unit,
        summary=_summary(view, value, responses, noun, routes),
        quantities={"value": Quantity(value=value)},
        details=details | _trust(view),
        evidence=_lines(view, signals if value else ()),
        window=view.log_window,
    )


def _summary(view: View, value: int, responses: int, noun: str, routes: dict[str, Json]) -> str:
    where = f", most on {next(iter(routes))}" if routes else ""
    unpaired = view.evidence.log.unpaired
    apart = f"; {unpaired} more not counted (forged or cut)" if unpaired else ""
    return f"{value} of {responses} responses {noun}{where}{apart}."


def _trust(view: View) -> dict[str, Json]:
    """Whether forged responses can be told from real ones, and how many were not counted."""
    unpaired = view.evidence.log.unpaired
    if unpaired is None:
        return {"forgery": "cannot be seen in this format"}
    if unpaired:
        return {"not_counted": unpaired, "not_counted_because": "forged or cut"}
    return {}


def _lines(view: View, signals: tuple[str, ...]) -> tuple[str, ...]:
    """Up to five lines; responses that were not counted keep two of the places."""
    unpaired = view.evidence.log.unpaired_lines[-_UNPAIRED_LINES:]
    counted = view.lines(*signals)
    return (*counted[-(_MAX_LINES - len(unpaired)) :], *unpaired)


def _routes(view: View, signals: tuple[str, ...], own: int) -> dict[str, Json]:
    total: Counter[str] = Counter()
    for signal in signals:
        total.update(view.evidence.log.routes.get(signal, {}))
    # Only the health probe is a request of golive's own that can fail.
    for route in [route for route in total if route.endswith(_HEALTH)]:
        total[route] -= own
    return {route: n for route, n in total.most_common(_TOP_ROUTES) if n > 0}
