"""A number has one home: change it in runbook.yaml, and whoever goes by it follows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import checks
from bot.demo.workspace.server import Workspace
from bot.watch import observing
from checks import CHECKS
from checks.diagnosis import PROCEDURES, Incident, procedure_of
from checks.diagnosis.facts import BaseFacts, Facts
from checks.diagnosis.model import FixKind, Outcome, State
from checks.engine.model import DatabaseEvidence, QueryResult
from checks.engine.runbook import Runbook, parse_runbook, shipped_runbook
from checks.engine.thresholds import Bound, Op, Threshold
from tests.diagnosis.worlds import World, world
from tests.support.crm_rows import Rows
from tests.support.database_runs import RUNBOOK, changed, minutes_ago
from tests.support.evidence import NOW, evidence, log, watched
from tests.support.hand import HandClock
from tests.support.slack_bot import settings_for, staged
from tests.support.typing_people import words_of

ROOT = Path(str(checks.__file__)).parents[1]


def facts(incident: Incident, runbook: Runbook, **seen: Any) -> Facts:
    """What a procedure looks at, by the numbers of a runbook."""
    rules = {check: runbook.numbers(check, "final") for check in procedure_of(incident).checks}
    return Facts(
        evidence=evidence(**seen),
        base=BaseFacts(shown="https://crm.example.org", https=True, loopback=False),
        rules=rules,
    )


def examined(incident: Incident, suspect: str, known: Facts) -> Outcome:
    """What one suspect of an incident comes to."""
    (found,) = [s for s in procedure_of(incident).suspects if s.id == suspect]
    return found.examine(known)


def stuck(minutes: float) -> DatabaseEvidence:
    """One campaign whose last send was so long ago, and nothing that holds it up."""
    row = {
        "id": "c1",
        "name": "Promo",
        "unit": "Alfa",
        "due_at": minutes_ago(600),
        "newest_sent": minutes_ago(minutes),
        "recipients": 9,
        "sent": 5,
        "failed": 0,
        "pending": 4,
        "limited": 0,
        "connection": "connected",
    }
    return DatabaseEvidence(
        results={
            "diagnosis_campaigns": QueryResult(rows=(row,)),
            "diagnosis_limited": QueryResult(rows=({"messages": 0, "newest": None},)),
            "diagnosis_blocked": QueryResult(),
            "diagnosis_long": QueryResult(),
        }
    )


@given(still=st.integers(1, 240), since=st.integers(1, 240))
def test_a_campaign_stands_still_for_as_long_as_the_runbook_says(still: int, since: int) -> None:
    """Incident 4 begins where the check begins: at `still_seconds`, and says so."""
    runbook = changed("campaigns", params={"still_seconds": 60.0 * still})
    known = facts(
        Incident.CAMPAIGN_STUCK,
        runbook,
        database=stuck(since),
        observed=watched(progress={"c1": minutes_ago(since)}),
    )
    found = examined(Incident.CAMPAIGN_STUCK, "worker_dead", known)
    assert (found.state is State.HOLDS) is (since >= still)
    if found.state is State.HOLDS:
        assert f"for {still} minutes or more" in found.why


@given(
    many=st.integers(0, 40), dropped=st.integers(0, 40), op=st.sampled_from([Op.AT_LEAST, Op.ABOVE])
)
def test_so_many_dropped_messages_are_what_the_runbook_says(
    many: int, dropped: int, op: Op
) -> None:
    """Incident 2 goes by the bound of inbound_flow."""
    bound = Bound(op=op, value=many)
    runbook = changed(
        "inbound_flow", thresholds=(Threshold(quantity="dropped_only", warning=bound),)
    )
    seen = log({"webhooks": dropped, "inbound_dropped": dropped, "http_responses": 9})
    known = facts(Incident.INBOUND_MISSING, runbook, log=seen)
    found = examined(Incident.INBOUND_MISSING, "dropped", known)
    assert (found.state is State.HOLDS) is bound.holds(dropped)


@given(least=st.integers(1, 9), failed=st.integers(1, 9))
def test_a_rollback_is_advised_from_as_many_lost_messages_as_the_check_calls_critical(
    least: int, failed: int
) -> None:
    """Every message failed: that is the release, once there are enough of them."""
    bound = Bound(op=Op.AT_LEAST, value=least)
    runbook = changed(
        "inbound_flow", thresholds=(Threshold(quantity="none_created", critical=bound),)
    )
    seen = log({"webhooks": failed, "inbound_failed": failed, "http_responses": 9})
    known = facts(Incident.INBOUND_MISSING, runbook, log=seen)
    found = examined(Incident.INBOUND_MISSING, "processing_failed", known)
    assert found.state is State.HOLDS
    assert found.fix is not None
    assert (found.fix.kind is FixKind.ROLLBACK) is (failed >= least)


def test_without_a_bound_nothing_is_too_many() -> None:
    """A runbook that does not bound dropped messages does not blame them."""
    seen = log({"webhooks": 99, "inbound_dropped": 99, "http_responses": 9})
    known = facts(Incident.INBOUND_MISSING, changed("inbound_flow", thresholds=()), log=seen)
    assert examined(Incident.INBOUND_MISSING, "dropped", known).state is State.CLEAR


@pytest.mark.parametrize(
    ("minutes", "words", "failed"),
    [
        (5, "of the last 5 minutes", 0),
        (30, "of the last 30 minutes", 1),
        (60, "of the last hour", 2),
        (120, "of the last 2 hours", 3),
        (None, "since the deploy", 2),
    ],
)
async def test_outbound_failures_are_those_of_the_checks_window(
    minutes: int | None, words: str, failed: int, crm_database: str
) -> None:
    """Incident 3 looks back as far as outbound_success does, and says how far."""
    window = None if minutes is None else timedelta(minutes=minutes)
    async with world(crm_database) as here:
        _messages(here, "failed", 20, 50, 100)
        here.runbook = changed("outbound_success", window=window)
        found = await here.diagnose(procedure_of(Incident.OUTBOUND_FAILING))
    (cause,) = [cause for cause in found.causes if cause.id == "failed"]
    assert (cause.state is State.HOLDS) is (failed > 0)
    assert words in cause.why
    if failed:
        assert cause.why.startswith(f"{failed} of ")


@pytest.mark.parametrize(("waiting", "state"), [(600, State.CLEAR), (120, State.HOLDS)])
async def test_a_queued_message_is_stranded_when_the_check_says_that_it_waits(
    waiting: float, state: State, crm_database: str
) -> None:
    """Five minutes in queued: by the check's own `waiting_seconds`."""
    async with world(crm_database) as here:
        _messages(here, "queued", 5)
        here.runbook = changed("outbound_success", params={"waiting_seconds": waiting})
        found = await here.diagnose(procedure_of(Incident.OUTBOUND_FAILING))
    (cause,) = [cause for cause in found.causes if cause.id == "stranded"]
    assert cause.state is state


def _messages(here: World, status: str, *minutes: float) -> None:
    """An outbound message of so many minutes ago, for each."""
    with here.rows() as rows:
        for ago in map(minutes_ago, minutes):
            talk = rows.conversation(here.unit, created_at=ago)
            rows.message(talk, created_at=ago, status=status, external_id=None)


@given(st.integers(1, 120), st.integers(1, 120))
def test_inbound_is_expected_by_what_came_before_the_checks_window(window: int, ago: int) -> None:
    """Messages that came before the window that inbound_flow looks at, whatever its length."""
    seen = log({"inbound_created": {ago: 3}})
    expected = observing.expectation(seen, NOW, timedelta(minutes=window))
    assert (expected is not None) is (ago >= window)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(600, "1 campaign without any progress for 10 minutes"), (1800, "moving")],
)
async def test_the_bot_hands_its_runbook_to_the_diagnosis(
    seconds: float, words: str, crm_database: str, store_database: str
) -> None:
    """`/golive diagnose 4` of a campaign whose last send was 20 minutes ago."""
    with Rows(crm_database) as rows:
        unit = rows.unit("Alfa", created_at=minutes_ago(9000))
        sent = ("sent",) * 3 + ("pending",) * 3
        rows.campaign(unit, created_at=minutes_ago(50), recipients=sent, sent_at=minutes_ago(20))
    clock = HandClock(NOW)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, database=crm_database)
        runbook = changed("campaigns", params={"still_seconds": seconds})
        async with staged(workspace, settings, clock, runbook=runbook) as stage:
            await stage.command("/golive diagnose 4")
            assert words in "".join(words_of(post) for post in stage.posts)


# --- checks that are switched off ---------------------------------------------------------------


def off(check: str, rest: str = "") -> Runbook:
    """The shipped runbook with a check switched off, and perhaps something said of it."""
    text = shipped_runbook().read_text(encoding="utf-8")
    begin = text.index(f"\n  {check}:\n") + 1
    end = re.compile(r"^ {2}\w|^\w", re.MULTILINE).search(text, begin + len(check) + 4)
    assert end is not None
    short = f"  {check}:\n    enabled: false\n    reason: not here\n{rest}\n"
    text = text[:begin] + short + text[end.start() :]
    return parse_runbook(text.encode(), path=Path("runbook.yaml"), checks=CHECKS)


@pytest.mark.parametrize("check", ["inbound_flow", "retries"])
def test_a_check_that_is_switched_off_still_has_its_numbers(check: str) -> None:
    """Nothing is judged by them; a diagnosis goes by those that golive ships."""
    runbook = off(check)
    assert runbook.rule(check, "final") is None
    for checkpoint in ("1", "final"):
        mine, shipped = (book.numbers(check, checkpoint) for book in (runbook, RUNBOOK))
        assert mine == shipped


def test_what_the_file_says_of_it_wins() -> None:
    """Its own numbers stay, also while it is switched off."""
    runbook = off("campaigns", "    params: {still_seconds: 1800}")
    assert runbook.numbers("campaigns", "final").params == {
        "still_seconds": 1800,
        "overdue_seconds": 600,
    }


# --- no second home -----------------------------------------------------------------------------

OWN = {
    ("checks/diagnosis/application.py", "_MAX_PORT"): "the highest port there is",
    ("checks/diagnosis/inbound_missing.py", "_SOON"): "days of a certificate",
    ("checks/diagnosis/inbound_missing.py", "_LATELY"): "how old the log may be against a probe",
    ("checks/diagnosis/not_connected.py", "_LATELY"): "how old the log may be against a probe",
    ("checks/diagnosis/outbound_failing.py", "_JUST_NOW"): "how old a send may be against a probe",
    ("checks/diagnosis/units.py", "_AT_ONCE"): "how many questions are asked at once",
    ("checks/diagnosis/webhooks.py", "_PORTS"): "the ports of http and https",
    ("checks/health.py", "_LATELY"): "how old the log may be against a probe",
    ("checks/health.py", "_HTTP_OK"): "a status of HTTP",
    ("checks/service_down.py", "_STREAK"): "responses in a log without times",
}
"""Constants of checks and diagnosis that are a number above one, and what they are."""

_SHOWN = re.compile("_SHOWN|_EXAMPLES|_MAX_LINES")
"""How many lines are shown: no threshold either."""


def _numbers(tree: ast.Module) -> Iterator[str]:
    """The names of a module's constants that have a number above one in them."""
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        named = ast.unparse(target)
        # Checks, procedures and queries are made of other constants and have tests of their own.
        if _SHOWN.fullmatch(named) or ast.unparse(node.value).startswith(
            ("Check(", "Query(", "Proc")
        ):
            continue
        parts = (part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant))
        if any(isinstance(value, int | float) and value > 1 for value in parts):
            yield named


def test_no_constant_of_checks_and_diagnosis_stands_for_a_threshold() -> None:
    """Every number that a module there defines is known, and none of them is the runbook's."""
    modules = [*ROOT.glob("checks/*.py"), *ROOT.glob("checks/diagnosis/*.py")]
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in modules
        for name in _numbers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found - OWN.keys() == set()


def test_no_statement_carries_a_span_of_its_own() -> None:
    """What is old, late or recent is bound: no SQL of checks and fixes names an interval."""
    modules = [*ROOT.glob("checks/**/*.py"), *ROOT.glob("bot/remediation/*.py")]
    assert [
        str(path)
        for path in modules
        if re.search(r"interval\s+'", path.read_text(encoding="utf-8"), re.IGNORECASE)
    ] == []


def test_every_procedure_names_checks_that_exist() -> None:
    """And binds no number of theirs a second time."""
    known = {check.id for check in CHECKS}
    for procedure in PROCEDURES:
        assert known >= set(procedure.checks)
        bound = {
            name for check in procedure.checks for name in RUNBOOK.numbers(check, "final").params
        }
        assert bound.isdisjoint(procedure.params)
