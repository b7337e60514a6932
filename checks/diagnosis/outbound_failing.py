"""Incident 3: outbound messages fail."""

from __future__ import annotations

from datetime import datetime, timedelta

from checks.diagnosis.facts import NO_UNITS, Facts, Reach, ServerFacts
from checks.diagnosis.model import (
    Fix,
    FixKind,
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
from checks.diagnosis.suspects import INSTANCE, LINK
from checks.engine.check import Query
from checks.engine.masking import harmless, mask
from checks.engine.model import Problem, Row
from checks.engine.wording import lately, plural

_JUST_NOW = timedelta(minutes=2)

OUTBOUND = Query(
    name="diagnosis_outbound",
    # The requeue worker may mark a message as sent without sending it: it has no provider's id.
    # Nothing processes `queued` messages, so one that has waited too long is stranded.
    sql="""
        SELECT
            count(*) FILTER (WHERE status::text = 'failed') AS failed,
            count(*) FILTER (
                WHERE status::text IN ('sent', 'delivered', 'read')
                  AND coalesce(external_id::text, '') = ''
            ) AS sent_without_provider_id,
            count(*) FILTER (
                WHERE status::text = 'queued'
                  AND created_at < %(now)s::timestamptz
                      - make_interval(secs => %(waiting_seconds)s::float8)
            ) AS stranded,
            count(*) AS total,
            max(created_at) FILTER (
                WHERE status::text IN ('sent', 'delivered', 'read') AND external_id::text <> ''
            )::timestamptz AS newest_sent,
            min(created_at) FILTER (WHERE status::text = 'queued')::timestamptz AS oldest_queued
        FROM messages
        WHERE sender::text = 'agent'
          AND created_at >= %(outbound_success_since)s::timestamptz
          AND created_at < %(now)s::timestamptz
    """,
    reads={"messages": ("sender", "status", "external_id", "created_at")},
)
"""One row: what became of the outbound messages of outbound_success' window."""

FAILURES = Query(
    name="diagnosis_failures",
    # Numbers of six digits and more (phones, ids) would make every error one of its own.
    sql="""
        SELECT
            coalesce(
                nullif(left(regexp_replace(error_details::text, '[0-9]{6,}', '…', 'g'), 200), ''),
                'no error was written'
            ) AS error,
            count(*) AS messages,
            max(retry_count) AS retries
        FROM messages
        WHERE sender::text = 'agent'
          AND created_at >= %(outbound_success_since)s::timestamptz
          AND created_at < %(now)s::timestamptz
          AND (status::text = 'failed'
               OR (status::text IN ('sent', 'delivered', 'read')
                   AND coalesce(external_id::text, '') = ''))
        GROUP BY 1
        ORDER BY 2 DESC, 1
        LIMIT 5
    """,
    reads={
        "messages": (
            "sender",
            "status",
            "external_id",
            "created_at",
            "error_details",
            "retry_count",
        )
    },
)
"""The five most frequent errors of those that did not go out."""


def _down(facts: Facts) -> Outcome:
    """Whether Evolution answers at all: refused, hanging or failing means that it is down."""
    return _server(
        facts,
        Reach.DOWN,
        manual("Check the Evolution container or service: that it runs, its log, its database."),
        unclear=Reach.NO_WAY,
    )


def _key(facts: Facts) -> Outcome:
    """Whether the key is valid. Asked by fetchInstances: an unknown instance answers 404 anyway."""
    return _server(
        facts,
        Reach.WRONG_KEY,
        manual(
            "Regenerate the key in Evolution and update EVOLUTION_API_KEY (or apiKey in the "
            "connection's provider_config), then restart the application."
        ),
    )


def _network(facts: Facts) -> Outcome:
    """Whether there is a way to Evolution: name, firewall, TLS."""
    return _server(
        facts,
        Reach.NO_WAY,
        manual("Check that outbound HTTPS to Evolution is allowed, its name and its certificate."),
    )


_SAYS = {
    Reach.DOWN: "Evolution answers.",
    Reach.WRONG_KEY: "Evolution takes the key.",
    Reach.NO_WAY: "Evolution can be reached.",
}
_ANSWERED = {
    Reach.DOWN: frozenset({Reach.ANSWERS, Reach.WRONG_KEY}),
    Reach.WRONG_KEY: frozenset({Reach.ANSWERS}),
    Reach.NO_WAY: frozenset({Reach.ANSWERS, Reach.WRONG_KEY, Reach.DOWN}),
}


def _server(facts: Facts, wrong: Reach, fix: Fix, *, unclear: Reach | None = None) -> Outcome:
    """Judge all servers by one way of answering; `unclear` may be that way too."""
    if facts.units_problem is not None and not facts.servers:
        return untested(facts.units_problem)
    if not facts.servers:
        return untested(NO_UNITS)
    bad = [server for server in facts.servers if server.reach is wrong]
    if bad:
        first = bad[0].problem
        if wrong is not Reach.WRONG_KEY and _sends_now(facts):
            return untested(_ONLY_GOLIVE)
        return holds(first.what if first else "", fix, tuple(map(_server_line, bad)))
    others = [server for server in facts.servers if server.reach not in _ANSWERED[wrong]]
    if others:
        problem = others[0].problem or NO_UNITS
        if others[0].reach is unclear:
            problem = Problem(
                what=f"{problem.what} Whether it runs cannot be told from here.",
                mend=problem.mend,
            )
        return untested(problem, tuple(map(_server_line, others)))
    return clear(_SAYS[wrong], tuple(map(_server_line, facts.servers)))


def _server_line(server: ServerFacts) -> str:
    listed = f", {plural(server.instances, 'instance')}" if server.instances is not None else ""
    used = f", used by {plural(server.units, 'unit')}" if server.units else ""
    return f"{server.address}: {server.reach.value}{listed}{used}"


def _sends_now(facts: Facts) -> bool:
    """Whether messages went out just now: then Evolution is only out of golive's own reach."""
    result = facts.view.rows(OUTBOUND)
    newest = result.rows[0]["newest_sent"] if result.rows else None
    return isinstance(newest, datetime) and facts.evidence.now - newest < _JUST_NOW


def _failed(facts: Facts) -> Outcome:
    """Which errors the latest failures have."""
    result, errors = facts.view.rows(OUTBOUND), facts.view.rows(FAILURES)
    if result.problem is not None:
        return untested(result.problem)
    row = result.rows[0]
    failed, flipped = _number(row["failed"]), _number(row["sent_without_provider_id"])
    total = _number(row["total"])
    if not failed + flipped:
        return clear(f"None of {plural(total, 'outbound message')} {_lately(facts)} failed.")
    apart = f", {flipped} of them marked as sent without the provider's id" if flipped else ""
    return holds(
        f"{failed + flipped} of {plural(total, 'outbound message')} {_lately(facts)} did not go "
        f"out{apart}.",
        Fix(
            kind=FixKind.RESET_MESSAGES,
            step="Reset the failed messages to queued, then have them sent: nothing sends queued "
            "messages by itself.",
        ),
        tuple(map(_error_line, errors.rows)) or (str(errors.problem or ""),),
    )


def _error_line(row: Row) -> str:
    retries = f", up to {plural(_number(row['retries']), 'retry', 'retries')}"
    return harmless(f"{row['messages']} × {mask(str(row['error']))}{retries}")


def _stranded(facts: Facts) -> Outcome:
    """Whether messages stand in queued, which nothing processes again."""
    result = facts.view.rows(OUTBOUND)
    if result.problem is not None:
        return untested(result.problem)
    row = result.rows[0]
    stranded, oldest = _number(row["stranded"]), row["oldest_queued"]
    if not stranded:
        return clear(f"No message {_lately(facts)} stands in queued.")
    since = f", the oldest since {oldest:%H:%M:%S} UTC" if isinstance(oldest, datetime) else ""
    return holds(
        f"{plural(stranded, 'message')} {_lately(facts)} stranded in queued{since}: nothing sends "
        "them by itself.",
        manual("Trigger their sending by hand through the application's API."),
    )


def _lately(facts: Facts) -> str:
    return lately(facts.rules["outbound_success"].window)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


_ONLY_GOLIVE = Problem(
    what="golive cannot reach Evolution, but messages went out in the last two minutes: the "
    "application can.",
    mend="Check the way from golive's own machine to Evolution.",
)

PROCEDURE = Procedure(
    incident=Incident.OUTBOUND_FAILING,
    title="Outbound messages failing",
    suspects=(
        Suspect(id="evolution_down", title="Evolution API down", examine=_down),
        Suspect(id="key_invalid", title="Evolution API key not valid", examine=_key),
        Suspect(id="network", title="Network or firewall", examine=_network),
        INSTANCE,
        LINK,
        Suspect(id="failed", title="Messages failed", examine=_failed),
        Suspect(id="stranded", title="Messages stranded in queued", examine=_stranded),
    ),
    queries=(OUTBOUND, FAILURES),
    checks=("outbound_success",),
    probes=frozenset({Probe.EVOLUTION}),
)
