"""The buttons that a watch offers, by the ids that the listeners answer to."""

from __future__ import annotations

from bot.render.message import Button
from bot.watch.model import Deployment
from checks.diagnosis import INCIDENT_OF_CHECK, Incident
from checks.engine.model import Level, Report

ACK = "golive.ack"
DIAGNOSE = "golive.diagnose"
ROLLBACK = "golive.rollback"


def ack_button(deployment: Deployment) -> Button:
    """Says that somebody is on it; every member may."""
    return Button(action=ACK, label="I am on it", value=str(deployment.id), style="primary")


def diagnose_buttons(report: Report) -> tuple[Button, ...]:
    """One for each incident that a check which is not good leads to; none where all are."""
    bad = {
        INCIDENT_OF_CHECK[finding.check]
        for finding in report.findings
        if finding.level in {Level.WARNING, Level.CRITICAL}
        and finding.accepted_by is None
        and finding.check in INCIDENT_OF_CHECK
    }
    return tuple(
        Button(
            action=f"{DIAGNOSE}:{int(incident)}",
            label=f"Diagnose: {_ABOUT[incident]}",
            value=str(int(incident)),
        )
        for incident in sorted(bad)
    )


def rollback_button(deployment: Deployment | None) -> Button:
    """Opens the preview of a rollback, of a watch's version or outside a watch."""
    what = deployment.version if deployment is not None else "the release"
    return Button(
        action=ROLLBACK,
        label="Roll back",
        value=str(deployment.id) if deployment is not None else "",
        style="danger",
        confirm=(
            "Roll back?",
            f"This opens the preview of a rollback of {what}. Nothing runs yet.",
            "Show the preview",
        ),
    )


_ABOUT = {
    Incident.NOT_CONNECTED: "connections",
    Incident.INBOUND_MISSING: "inbound",
    Incident.OUTBOUND_FAILING: "outbound",
    Incident.CAMPAIGN_STUCK: "campaigns",
}
