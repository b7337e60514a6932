"""The buttons that a watch offers, by the ids that the listeners answer to."""

from __future__ import annotations

from bot.render.message import Button
from bot.watch.model import Deployment

ACK = "golive.ack"


def ack_button(deployment: Deployment) -> Button:
    """Says that somebody is on it; every member may."""
    return Button(action=ACK, label="I am on it", value=str(deployment.id), style="primary")
