"""The runbook's checks: one file each, in the runbook's order. They only ever read."""

from __future__ import annotations

from checks import (
    auth_errors,
    campaigns,
    connection_stability,
    database_activity,
    health,
    http_errors,
    inbound_flow,
    message_errors,
    outbound_success,
    rate_limits,
    retries,
    secret_leaks,
    secret_masking,
    service_down,
    tenant_isolation,
    unknown_instances,
)
from checks.engine.check import Check

CHECKS: tuple[Check, ...] = (
    health.CHECK,
    http_errors.CHECK,
    auth_errors.CHECK,
    unknown_instances.CHECK,
    secret_masking.CHECK,
    secret_leaks.CHECK,
    message_errors.CHECK,
    retries.CHECK,
    database_activity.CHECK,
    connection_stability.CHECK,
    inbound_flow.CHECK,
    outbound_success.CHECK,
    campaigns.CHECK,
    rate_limits.CHECK,
    tenant_isolation.CHECK,
    service_down.CHECK,
)

__all__ = ["CHECKS"]
