"""Who may do what, by the immutable ids of Slack. What cannot be asked is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.clock import Clock
from bot.desk import Role
from bot.render.message import Message
from bot.render.sentences import not_operator, outsider, say
from bot.slack.cache import Cached
from bot.slack.gateway import Gateway, Person
from bot.slack.trouble import SlackTrouble

KEEP: Final = timedelta(seconds=60)

_UNKNOWN_PERSON: Final = (
    "Slack does not say at the moment who you are, so nothing was done. Try again in a minute."
)
_UNKNOWN_CHANNEL: Final = (
    "Slack does not say whether people from outside are in this channel, so nothing was done."
    " Try again in a minute, or in the release channel."
)
_OUTSIDE: Final = (
    "People from outside are in this channel, so nothing was done. Use a channel of your own."
)
_UNREAD_GROUP: Final = (
    "Slack does not say who is in the operators' group, so nothing was done. Try again in a minute."
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A user's role, and why it is not a higher one where that is not their own doing."""

    role: Role
    refusal: Message | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to do.

    name:    the command's word, for the refusal
    least:   the least role for it
    changes: whether it changes something, which no channel with people from outside may do
    """

    name: str
    least: Role
    changes: bool


class Access:
    """Roles of users, asked from Slack and remembered for a minute.

    Args:
        gateway: Slack.
        clock: gives the instant.
        operators: ids of users and of user groups; empty: nobody is an operator.
    """

    def __init__(self, gateway: Gateway, clock: Clock, operators: Sequence[str]) -> None:
        self._gateway = gateway
        self._users = frozenset(one for one in operators if not one.startswith("S"))
        self._groups = tuple(one for one in operators if one.startswith("S"))
        self._people = Cached(clock, KEEP, gateway.person)
        self._members = Cached(clock, KEEP, gateway.members_of)
        self._shared = Cached(clock, KEEP, gateway.shared_outside)

    async def standing(self, user: str, *, since: datetime | None = None) -> Standing:
        """The role of a user now; nothing that was asked before `since` counts."""
        try:
            identity = await self._gateway.identity()
            person = await self._people.get(user, since=since)
        except SlackTrouble as trouble:
            if trouble.code in {"user_not_found", "user_not_visible"}:
                return Standing(role=Role.NOBODY, refusal=outsider())
            _log.warning("a user cannot be checked", why=trouble.sentence)
            return Standing(role=Role.NOBODY, refusal=say(_UNKNOWN_PERSON))
        same_house = person.team == identity.team or (
            identity.enterprise is not None and person.enterprise == identity.enterprise
        )
        if not same_house or _is_outsider(person):
            return Standing(role=Role.NOBODY, refusal=outsider())
        return await self._operator(user, since)

    async def check(
        self, user: str, channel: str, wish: Wish, *, since: datetime | None = None
    ) -> Standing:
        """The role of a user, and the refusal where it does not allow what they want here."""
        standing = await self.standing(user, since=since)
        if standing.role is Role.NOBODY:
            return standing
        if wish.least is Role.OPERATOR and standing.role is not Role.OPERATOR:
            refusal = standing.refusal or not_operator(wish.name)
            return Standing(role=standing.role, refusal=refusal)
        refusal = await self._place(channel, since) if wish.changes else None
        return Standing(role=standing.role, refusal=refusal)

    async def _operator(self, user: str, since: datetime | None) -> Standing:
        if user in self._users:
            return Standing(role=Role.OPERATOR)
        found = await asyncio.gather(*(self._is_in(user, group, since) for group in self._groups))
        if True in found:
            return Standing(role=Role.OPERATOR)
        unread = say(_UNREAD_GROUP) if None in found else None
        return Standing(role=Role.MEMBER, refusal=unread)

    async def _is_in(self, user: str, group: str, since: datetime | None) -> bool | None:
        """Whether a user is in a group; None where Slack does not say."""
        try:
            return user in await self._members.get(group, since=since)
        except SlackTrouble as trouble:
            _log.warning("a user group cannot be read", group=group, why=trouble.sentence)
            return None

    async def _place(self, channel: str, since: datetime | None) -> Message | None:
        """Why nothing may be changed from a channel."""
        if channel.startswith("D"):
            return None  # of the bot and one user, whose own standing is known
        try:
            return say(_OUTSIDE) if await self._shared.get(channel, since=since) else None
        except SlackTrouble as trouble:
            _log.warning("a channel cannot be checked", why=trouble.sentence)
            return say(_UNKNOWN_CHANNEL)


def _is_outsider(person: Person) -> bool:
    return person.bot or person.guest or person.stranger or person.deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Who is called on escalation: a ready mention, or why there is none."""

    mention: str | None = None
    problem: str | None = None


async def resolve_lead(gateway: Gateway, lead: str | None) -> Lead:
    """The mention of GOLIVE_LEAD, checked in Slack so that it calls somebody."""
    if lead is None:
        return Lead(problem="GOLIVE_LEAD is not set.")
    try:
        if lead.startswith("S"):
            if await gateway.has_group(lead):
                return Lead(mention=f"<!subteam^{lead}>")
            problem = f"GOLIVE_LEAD names {lead}, which is no active user group of the workspace."
            return Lead(problem=problem)
        person = await gateway.person(lead)
    except SlackTrouble as trouble:
        return Lead(problem=f"GOLIVE_LEAD, {lead}, cannot be found in Slack. {trouble.sentence}")
    if person.deleted or person.bot:
        return Lead(problem=f"GOLIVE_LEAD names {lead}, who is no active user of the workspace.")
    return Lead(mention=f"<@{lead}>")
