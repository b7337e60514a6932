"""Each threshold of the shipped runbook at, below and above its bound, for each column."""

from __future__ import annotations

import pytest

from checks.engine.model import Level, Measurement, Quantity
from checks.engine.runbook import CHECKPOINTS, load_runbook
from checks.engine.thresholds import Op, judge
from tests.engine.standins import ALL

OK, WARNING, CRITICAL, UNKNOWN = Level.OK, Level.WARNING, Level.CRITICAL, Level.UNKNOWN

RUNBOOK = load_runbook(checks=ALL)
EARLY, FINAL, EVERY = ("1", "2", "3"), ("final",), CHECKPOINTS

# check, quantity, checkpoints, value → level; as the table of the checks writes it
COUNTS: list[tuple[str, str, tuple[str, ...], dict[int, Level]]] = [
    # /health is 200: 200 / – / else
    ("health", "failed", EVERY, {0: OK, 1: CRITICAL}),
    # 5xx: 0–2 / 3–5 / >5, final 0–5 / 6–15 / >15
    (
        "http_5xx",
        "value",
        EARLY,
        {0: OK, 2: OK, 3: WARNING, 4: WARNING, 5: WARNING, 6: CRITICAL, 7: CRITICAL},
    ),
    (
        "http_5xx",
        "value",
        FINAL,
        {0: OK, 5: OK, 6: WARNING, 7: WARNING, 15: WARNING, 16: CRITICAL, 17: CRITICAL},
    ),
    # 401/403: <10 / 10–50 / >50, final <20 / 20–50 / >50
    (
        "auth_errors",
        "value",
        EARLY,
        {0: OK, 9: OK, 10: WARNING, 11: WARNING, 50: WARNING, 51: CRITICAL, 52: CRITICAL},
    ),
    (
        "auth_errors",
        "value",
        FINAL,
        {0: OK, 19: OK, 20: WARNING, 21: WARNING, 50: WARNING, 51: CRITICAL, 52: CRITICAL},
    ),
    # unknown instances: 0–1 / 2–5 / >5, final 0–2 / 3–5 / >5
    (
        "unknown_instances",
        "value",
        EARLY,
        {0: OK, 1: OK, 2: WARNING, 3: WARNING, 5: WARNING, 6: CRITICAL, 7: CRITICAL},
    ),
    (
        "unknown_instances",
        "value",
        FINAL,
        {0: OK, 2: OK, 3: WARNING, 4: WARNING, 5: WARNING, 6: CRITICAL, 7: CRITICAL},
    ),
    # masked URLs where there were webhook requests: some / – / none
    ("secret_masking", "unmasked", EVERY, {0: OK, 1: CRITICAL}),
    # unmasked secrets: 0 / attempted only / ≥1 proven
    ("secret_leaks", "proven", EVERY, {0: OK, 1: CRITICAL, 2: CRITICAL}),
    ("secret_leaks", "attempted", EVERY, {0: OK, 1: WARNING, 2: WARNING, 1000: WARNING}),
    # the log/database contradiction raises message_errors to WARNING
    ("message_errors", "missing_rows", EVERY, {0: OK, 1: WARNING, 2: WARNING, 1000: WARNING}),
    # retries: 0–5 / 6–20 / >20, final 0–10 / 11–30 / >30
    (
        "retries",
        "value",
        EARLY,
        {0: OK, 5: OK, 6: WARNING, 7: WARNING, 20: WARNING, 21: CRITICAL, 22: CRITICAL},
    ),
    (
        "retries",
        "value",
        FINAL,
        {0: OK, 10: OK, 11: WARNING, 12: WARNING, 30: WARNING, 31: CRITICAL, 32: CRITICAL},
    ),
    # rows inserted: grew / – / none while the log shows messages
    ("database_activity", "silent", EVERY, {0: OK, 1: CRITICAL}),
    # unstable units: 0 / 1 / ≥2
    ("connection_stability", "value", EVERY, {0: OK, 1: WARNING, 2: CRITICAL, 3: CRITICAL}),
    # inbound: created, none failed / any failed / >10 % failed, or none created while 3 failed
    ("inbound_flow", "failed", EVERY, {0: OK, 1: WARNING, 2: WARNING, 1000: WARNING}),
    ("inbound_flow", "none_created", EVERY, {0: OK, 1: OK, 2: OK, 3: CRITICAL, 4: CRITICAL}),
    # none created while >10 dropped and no outbound in the window = WARNING
    ("inbound_flow", "dropped_only", EVERY, {0: OK, 9: OK, 10: OK, 11: WARNING, 1000: WARNING}),
    ("inbound_flow", "silent", EVERY, {0: OK, 1: WARNING}),
    # campaigns that stand still: 0 / 1, or a sum that is off / ≥2, or one with >50 pending
    ("campaigns", "standing", EVERY, {0: OK, 1: WARNING, 2: CRITICAL, 3: CRITICAL}),
    ("campaigns", "largest_pending", EVERY, {0: OK, 49: OK, 50: OK, 51: CRITICAL}),
    ("campaigns", "sums_off", EVERY, {0: OK, 1: WARNING, 2: WARNING, 1000: WARNING}),
    ("campaigns", "looks_stuck", EVERY, {0: OK, 1: WARNING, 2: WARNING, 1000: WARNING}),
    # campaigns that failed, or are overdue: 0 / 1 / ≥2
    ("campaigns", "failed", EVERY, {0: OK, 1: WARNING, 2: CRITICAL, 3: CRITICAL}),
    ("campaigns", "overdue", EVERY, {0: OK, 1: WARNING, 2: CRITICAL, 3: CRITICAL}),
    # 429: 0–5 / 6–20 / >20, final the same
    (
        "rate_limits",
        "value",
        EVERY,
        {0: OK, 5: OK, 6: WARNING, 7: WARNING, 20: WARNING, 21: CRITICAL, 22: CRITICAL},
    ),
    # rows that cross tenants: 0 / shared contact only / ≥1
    ("tenant_isolation", "crossing", EVERY, {0: OK, 1: CRITICAL, 2: CRITICAL}),
    ("tenant_isolation", "shared_contacts", EVERY, {0: OK, 1: WARNING, 2: WARNING, 1000: WARNING}),
    # unbroken minutes with nothing but 5xx: ≤1 / 1–5 / >5
    (
        "service_down",
        "minutes",
        EVERY,
        {0: OK, 1: OK, 2: WARNING, 4: WARNING, 5: WARNING, 6: CRITICAL, 7: CRITICAL},
    ),
]

# Per cent of a hundred events, so that each step is one event.
SHARES: list[tuple[str, str, dict[int, Level]]] = [
    # failed share of messages processed: ≤5 % / ≤10 % / >10 %
    (
        "message_errors",
        "share",
        {0: OK, 4: OK, 5: OK, 6: WARNING, 9: WARNING, 10: WARNING, 11: CRITICAL, 100: CRITICAL},
    ),
    # give-ups that the database hides: >5 % of sends = WARNING
    ("message_errors", "hidden_share", {0: OK, 4: OK, 5: OK, 6: WARNING, 100: WARNING}),
    # >10 % failed = CRITICAL
    ("inbound_flow", "failed_share", {0: OK, 9: OK, 10: OK, 11: CRITICAL, 100: CRITICAL}),
    # success >90 %, failed <5 %, waiting <5 % / else / failed >10 %
    (
        "outbound_success",
        "success_share",
        {100: OK, 91: OK, 90: WARNING, 89: WARNING, 0: WARNING},
    ),
    (
        "outbound_success",
        "failed_share",
        {0: OK, 4: OK, 5: WARNING, 6: WARNING, 9: WARNING, 10: WARNING, 11: CRITICAL},
    ),
    # failed recipients, as messages
    (
        "campaigns",
        "failed_share",
        {0: OK, 4: OK, 5: WARNING, 6: WARNING, 9: WARNING, 10: WARNING, 11: CRITICAL},
    ),
    ("outbound_success", "waiting_share", {0: OK, 4: OK, 5: WARNING, 6: WARNING, 100: WARNING}),
]


def level(check: str, checkpoint: str, name: str, quantity: Quantity) -> Level:
    """The level of one quantity alone, by the shipped runbook."""
    rule = RUNBOOK.rule(check, checkpoint)
    assert rule is not None
    measured = Measurement(value=quantity.value, unit="", summary="", quantities={name: quantity})
    return judge(measured, rule).level


@pytest.mark.parametrize(
    ("check", "name", "checkpoint", "expected"),
    [
        pytest.param(check, name, checkpoint, expected, id=f"{check}.{name}@{checkpoint}")
        for check, name, checkpoints, expected in COUNTS
        for checkpoint in checkpoints
    ],
)
def test_counts(check: str, name: str, checkpoint: str, expected: dict[int, Level]) -> None:
    """A count has the level that the table gives it, on both sides of each bound."""
    found = {n: level(check, checkpoint, name, Quantity(value=n)) for n in expected}
    assert found == expected


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
@pytest.mark.parametrize(
    ("check", "name", "expected"),
    [pytest.param(*row, id=f"{row[0]}.{row[1]}") for row in SHARES],
)
def test_shares(check: str, name: str, checkpoint: str, expected: dict[int, Level]) -> None:
    """A share of a hundred has the level that the table gives it, on both sides of each bound."""
    found = {
        percent: level(check, checkpoint, name, Quantity(value=percent / 100, sample=100, bad=1))
        for percent in expected
    }
    assert found == expected


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
@pytest.mark.parametrize(("check", "name", "expected"), SHARES)
def test_shares_of_nine(check: str, name: str, checkpoint: str, expected: dict[int, Level]) -> None:
    """Nine events are too few: UNKNOWN where one was bad, whatever the share; OK where none was."""
    for percent in expected:
        value = percent / 100
        bad = Quantity(value=value, sample=9, bad=1)
        good = Quantity(value=value, sample=9, bad=0)
        assert level(check, checkpoint, name, bad) is UNKNOWN
        assert level(check, checkpoint, name, good) is OK


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
@pytest.mark.parametrize(("check", "name", "expected"), SHARES)
def test_shares_of_ten(check: str, name: str, checkpoint: str, expected: dict[int, Level]) -> None:
    """Ten events are enough: the share is judged."""
    for percent in (n for n in expected if n % 10 == 0):
        quantity = Quantity(value=percent / 100, sample=10, bad=percent // 10)
        assert level(check, checkpoint, name, quantity) is expected[percent]


def test_every_bound_is_tested_on_both_sides() -> None:
    """No bound of the shipped runbook is missing above: each has its value and both neighbours."""
    tested = {
        (check, name, checkpoint): set(expected)
        for check, name, checkpoints, expected in COUNTS
        for checkpoint in checkpoints
    }
    tested |= {
        (check, name, checkpoint): set(expected)
        for check, name, expected in SHARES
        for checkpoint in CHECKPOINTS
    }
    bounded: set[tuple[str, str, str]] = set()
    for (check, checkpoint), rule in RUNBOOK.rules.items():
        flags = next(c.flags for c in ALL if c.id == check)
        for threshold in rule.thresholds:
            key = (check, threshold.quantity, checkpoint)
            bounded.add(key)
            for bound in (threshold.warning, threshold.critical):
                if bound is None:
                    continue
                scale = 100 if threshold.quantity.endswith("share") else 1
                at = round(bound.value * scale)
                beyond = () if threshold.quantity in flags else (at + 1,)
                before = () if bound.op is Op.AT_LEAST and at == 0 else (at - 1,)
                missing = {at, *before, *beyond} - tested.get(key, set())
                assert not missing, (key, missing)
    assert bounded == set(tested)
