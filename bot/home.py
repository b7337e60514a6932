"""App Home: who may see what is asked first, then the desk."""

from __future__ import annotations

from bot.desk import Desk
from bot.render.wire import view_payload
from bot.slack.access import Access
from bot.slack.gateway import Gateway


async def show_home(user: str, *, desk: Desk, access: Access, gateway: Gateway) -> None:
    """Publish what somebody may see in their Home."""
    standing = await access.standing(user)
    view = await desk.home(user, standing.role)
    await gateway.publish_home(user, view_payload(view))
