"""auth_errors: responses 401 and 403."""

from __future__ import annotations

from checks.auth_errors import CHECK
from tests.support.evidence import evidence, log, view


def test_counts_both_statuses() -> None:
    """401 and 403 are counted together and shown apart, with the worst route of both."""
    seen = log(
        {"http_responses": 3342, "http_401": 80, "http_403": 134},
        routes={
            "http_401": {"POST /admin/login": 50, "GET /leads": 30},
            "http_403": {"GET /units/:id": 134},
        },
    )
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.value == 214
    assert found.quantities["value"].value == 214
    assert (found.details["401"], found.details["403"]) == (80, 134)
    assert found.summary == "214 of 3342 responses answered 401 or 403, most on GET /units/:id."
    assert len(found.evidence) == 5


def test_other_statuses_do_not_count() -> None:
    """5xx and 429 are none of this check's business."""
    seen = log({"http_responses": 50, "http_5xx": 9, "http_429": 9})
    assert CHECK.measure(view(CHECK, evidence(seen))).value == 0


def test_without_responses_it_is_unknown() -> None:
    """No response at all is no proof that nobody was refused."""
    found = CHECK.measure(view(CHECK, evidence(log({"webhooks": 3}))))
    assert found.unknown is not None
    assert found.unknown.what.startswith("No response was recognised in the log")


def test_a_format_that_hides_one_of_them_is_unknown() -> None:
    """What the format does not carry is unknown, not zero."""
    seen = log({"http_responses": 50}, without=("http_403",))
    found = CHECK.measure(view(CHECK, evidence(seen)))
    assert found.unknown is not None
    assert found.unknown.what == "The log's format (crm-console) does not carry http_403."


def test_own_probes_are_subtracted_from_both() -> None:
    """What golive's own requests caused is taken off and shown."""
    seen = evidence(
        log({"http_responses": 50, "http_401": 3, "http_403": 4}),
        own_probes={"http_401": 1, "http_403": 2},
    )
    found = CHECK.measure(view(CHECK, seen))
    assert found.value == 4
    assert found.details["own_probes_subtracted"] == 3
