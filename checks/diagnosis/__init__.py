"""The runbook's four incidents, diagnosed by read-only probes, in the runbook's order."""

from __future__ import annotations

from collections.abc import Mapping

from checks.diagnosis import campaign_stuck, inbound_missing, not_connected, outbound_failing
from checks.diagnosis.model import Incident, Procedure

PROCEDURES: tuple[Procedure, ...] = (
    not_connected.PROCEDURE,
    inbound_missing.PROCEDURE,
    outbound_failing.PROCEDURE,
    campaign_stuck.PROCEDURE,
)

INCIDENT_OF_CHECK: Mapping[str, Incident] = {
    "unknown_instances": Incident.NOT_CONNECTED,
    "connection_stability": Incident.NOT_CONNECTED,
    "inbound_flow": Incident.INBOUND_MISSING,
    "retries": Incident.OUTBOUND_FAILING,
    "message_errors": Incident.OUTBOUND_FAILING,
    "outbound_success": Incident.OUTBOUND_FAILING,
    "campaigns": Incident.CAMPAIGN_STUCK,
}
"""Which incident a red check leads to."""


def procedure_of(incident: Incident) -> Procedure:
    """The procedure of an incident."""
    return PROCEDURES[incident - 1]


__all__ = ["INCIDENT_OF_CHECK", "PROCEDURES", "Incident", "Procedure", "procedure_of"]
