"""rate_limits: responses 429."""

from __future__ import annotations

from checks.rate_limits import CHECK
from tests.support.evidence import evidence, log, view


def test_counts_429_by_route() -> None:
    """429 responses are counted among all, with the route that is limited most."""
    seen = log(
        {"http_responses": 3342, "http_429": 31, "http_5xx": 76},
        routes={"http_429": {"POST /admin/login": 31}},
    )
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.value == 31
    assert found.quantities["value"].value == 31
    assert found.summary == "31 of 3342 responses answered 429, most on POST /admin/login."


def test_without_responses_it_is_unknown() -> None:
    """No response at all is no proof that nobody was limited."""
    assert CHECK.measure(view(CHECK, evidence(log()))).unknown is not None


def test_without_a_log_it_is_unknown() -> None:
    """The log's own problem is the reason."""
    found = CHECK.measure(view(CHECK, evidence()))
    assert str(found.unknown) == "It was not given. Give it."
