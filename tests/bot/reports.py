"""A report for the renderings: a finding of each level, and all that is hostile in a log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from checks.engine.model import (
    Criterion,
    DatabaseEvidence,
    Decision,
    Evidence,
    Finding,
    HealthEvidence,
    Level,
    LogEvidence,
    Problem,
    Quantity,
    Report,
    SignalEvidence,
    Verdict,
    Window,
)
from checks.engine.profiles import SIGNALS

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
HOUR = Window(since=NOW - timedelta(hours=1), until=NOW)
SECRETS = (
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl",
    "sk-planted0123456789abcdef",
    "evoplantedkey0123456789",
    "plantedwebhooksecret42",
    "+5511987654321",
)
ROUTE = f"/Webhooks/WhatsApp/evolution/{SECRETS[3]}?token={SECRETS[0]}"
HOSTILE = (
    f"GET /x?token={SECRETS[0]} {SECRETS[1]} apikey: '{SECRETS[2]}'",
    f"POST /Webhooks/WhatsApp/evolution/{SECRETS[3]} from {SECRETS[4]}",
    "\x1b[31mred\x1b[0m \x00 \u202ereversed <!channel> [bold]not bold[/bold] [/] | ``` |",
    "# heading\n- list <script>alert(1)</script>",
)


def finding(check: str, level: Level, *, summary: str, evidence: tuple[str, ...] = ()) -> Finding:
    """A finding as the engine makes them."""
    unknown = Problem(what="No log was given.", mend="Use --log PATH.")
    return Finding(
        check=check,
        title=check.replace("_", " ").capitalize(),
        level=level,
        value=None if level is Level.UNKNOWN else 7,
        unit="responses",
        summary=summary,
        threshold={"warning": 6, "critical": {"above": 0.1}},
        details={
            "routes": {f"/Webhooks/WhatsApp/evolution/{SECRETS[3]}?token={SECRETS[0]}": 7},
            "share": float("nan"),
        },
        evidence=evidence,
        window=HOUR,
        quantities={"value": Quantity(value=7)},
        unknown=unknown if level is Level.UNKNOWN else None,
        would_change="" if level is Level.OK else "GO needs 5 or fewer responses.",
    )


def report(*, hostile: bool = False) -> Report:
    """NO-GO with a finding of each level."""
    lines = HOSTILE if hostile else ("a line",)
    log = LogEvidence(
        source="/var/log/app.log",
        profile="crm-console",
        timed=True,
        carries=frozenset(SIGNALS) - {"masked"},
        signals={"http_5xx": SignalEvidence(count=76), "http_health": SignalEvidence(count=5)},
        bytes=1000,
        lines=10,
        unpaired=2,
        unpaired_lines=lines[:1],
        notes=("The file was replaced.",),
    )
    return Report(
        checkpoint="final",
        taken_at=NOW,
        window=HOUR,
        findings=(
            finding("http_5xx", Level.CRITICAL, summary=f"76 on {lines[0]}", evidence=lines),
            finding("retries", Level.WARNING, summary="7 retries.", evidence=lines),
            finding("health", Level.UNKNOWN, summary="No log was given. Use --log PATH."),
            finding("rate_limits", Level.OK, summary="0 of 10.", evidence=("quiet line",)),
        ),
        rollback_criteria=(Criterion(id="secret_leak", met=True, why=lines[-1]),),
        success_criteria=(
            Criterion(id="error_rate", met=False, why="3.5 %."),
            Criterion(id="outbound_sent", met=None, why="Not run."),
        ),
        verdict=Verdict(
            decision=Decision.NO_GO,
            because=("Http 5xx: 76, more than 15.", *lines),
            missing=("health: No log was given.",),
            would_change=("GO needs 5 or fewer.",),
        ),
        evidence=Evidence(
            now=NOW,
            window=HOUR,
            log=log,
            database=DatabaseEvidence(server_version="18.4"),
            health=HealthEvidence(),
        ),
        switched_off={"campaigns": "No campaigns here."},
    )


def untimed() -> Report:
    """The same about a log without times."""
    return replace(report(), window=None)
