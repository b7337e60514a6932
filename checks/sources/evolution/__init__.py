"""The Evolution API, read-only. `Transport` carries the calls, and those of whoever writes too."""

from __future__ import annotations

from checks.sources.evolution.answers import Instance, LinkState, Webhook
from checks.sources.evolution.client import Evolution, EvolutionClient
from checks.sources.evolution.failures import NO_ANSWER, Failure, FailureKind
from checks.sources.evolution.server import Server, ServerSettings, same_origin, server_of
from checks.sources.evolution.transport import Call, Reply, Transport

__all__ = [
    "NO_ANSWER",
    "Call",
    "Evolution",
    "EvolutionClient",
    "Failure",
    "FailureKind",
    "Instance",
    "LinkState",
    "Reply",
    "Server",
    "ServerSettings",
    "Transport",
    "Webhook",
    "same_origin",
    "server_of",
]
