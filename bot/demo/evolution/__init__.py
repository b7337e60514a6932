"""A stand-in for the Evolution API 2.3.6, for the demo and the tests."""

from __future__ import annotations

from bot.demo.evolution.delivery import Delivery
from bot.demo.evolution.model import EVENTS, Fault, InstanceRow, Request, WebhookRow
from bot.demo.evolution.server import EvolutionStandIn

__all__ = [
    "EVENTS",
    "Delivery",
    "EvolutionStandIn",
    "Fault",
    "InstanceRow",
    "Request",
    "WebhookRow",
]
