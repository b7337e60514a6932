"""Who may do what and where, by the immutable ids of Slack. What cannot be asked is refused."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.clock import Clock
from bot.desk import Role
from bot.render.message import Message
from bot.render.sentences import not_operator, outsider, say
from bot.slack.cache import Cached
from bot.slack.gateway import Gateway, Person
from bot.slack.trouble import Permanent, RetryLater, SlackTrouble
from bot.slack.web import SHORT_WAIT

KEEP: Final = timedelta(seconds=60)
"""What Slack said of somebody holds for so long for what only looks."""

FRESH: Final = timedelta(seconds=15)
"""What it said counts for so long for what changes something or shows log lines."""

_UNKNOWN_PERSON: Final = "Slack does not say at the moment who you are, so nothing was done."
_UNKNOWN_CHANNEL: Final = (
    "Slack does not say whether people from outside are in this channel, so nothing was done."
)
_OUTSIDE: Final = (
    "People from outside are in this channel, so nothing was done. Use a channel of your own."
)
_DIRECT: Final = (
    "This is a conversation between people, so nothing was done. Use the release channel, or a"
    " direct message with golive."
)
_UNREAD_GROUP: Final = "Slack does not say who is in the operators' group, so nothing was done."

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A user's role, and why it is not a higher one where that is not their own doing.

    public: whether an answer may be shown to all of the conversation
    """

    role: Role
    refusal: Message | None = None
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to do.

    name:    the command's word, for the refusal
    least:   the least role for it
    private: whether it may only be done where nobody from outside reads along
    newest:  how old what Slack said of the person and the place may be
    """

    name: str
    least: Role
    private: bool = True
    newest: timedelta = FRESH


class Access:
    """Roles of users and who is in a channel, asked from Slack and remembered for a while.

    Args:
        gateway: Slack.
        clock: gives the instant.
        operators: ids of users and of user groups; empty: nobody is an operator.
    """

    def __init__(self, gateway: Gateway, clock: Clock, operators: Sequence[str]) -> None:
        self._gateway = gateway
        self._clock = clock
        self._users = frozenset(one for one in operators if not one.startswith("S"))
        self._groups = tuple(one for one in operators if one.startswith("S"))
        # Whoever pressed something waits for these: a longer wait is a refusal that says so.
        person = partial(gateway.person, longest=SHORT_WAIT)
        members = partial(gateway.members_of, longest=SHORT_WAIT)
        conversation = partial(gateway.conversation, longest=SHORT_WAIT)
        self._people = Cached(clock, KEEP, person)
        self._members = Cached(clock, KEEP, members)
        self._conversations = Cached(clock, KEEP, conversation)

    async def standing(self, user: str, *, newest: timedelta = KEEP) -> Standing:
        """The role of a user now, by answers that are at most so old."""
        since = self._clock.now() - newest
        try:
            identity = await self._gateway.identity()
            person = await self._people.get(user, since=since)
        except SlackTrouble as trouble:
            if trouble.code in {"user_not_found", "user_not_visible"}:
                return Standing(role=Role.NOBODY, refusal=outsider())
            _log.warning("a user cannot be checked", why=trouble.sentence)
            return Standing(role=Role.NOBODY, refusal=_refusal(_UNKNOWN_PERSON, trouble))
        same_house = person.team == identity.team or (
            identity.enterprise is not None and person.enterprise == identity.enterprise
        )
        if not same_house or _is_outsider(person):
            return Standing(role=Role.NOBODY, refusal=outsider())
        return await self._operator(user, since)

    async def check(
        self, user: str, channel: str, wish: Wish, *, about: str | None = None
    ) -> Standing:
        """The role of a user, and the refusal where it does not allow what they want here.

        Args:
            user: who.
            channel: where they typed or pressed.
            wish: what.
            about: the channel that it is about, where that is another one.
        """
        standing = await self.standing(user, newest=wish.newest)
        if standing.role is Role.NOBODY:
            return standing
        if wish.least is Role.OPERATOR and standing.role is not Role.OPERATOR:
            refusal = standing.refusal or not_operator(wish.name)
            return Standing(role=standing.role, refusal=refusal)
        since = self._clock.now() - wish.newest
        read_along = await self._read_along(channel, user, since)
        refusal = read_along if wish.private else None
        if wish.private and refusal is None and about not in {None, channel}:
            refusal = await self._read_along(about or "", user, since)
        return Standing(role=standing.role, refusal=refusal, public=read_along is None)

    async def all_may_see(self, channel: str, user: str) -> bool:
        """Whether all of a conversation may see now what a user is answered there."""
        return await self._read_along(channel, user, self._clock.now() - FRESH) is None

    async def shared_outside(self, channel: str) -> bool:
        """Whether people from another organisation are in a channel, or are invited to it.

        Raises:
            SlackTrouble: Slack does not say.
        """
        since = self._clock.now() - FRESH
        return (await self._conversations.get(channel, since=since)).outside

    async def shared_if_known(self, channel: str) -> bool | None:
        """The same; None where Slack does not say."""
        try:
            return await self.shared_outside(channel)
        except SlackTrouble as trouble:
            _log.warning("a channel cannot be checked", why=trouble.sentence)
            return None

    async def _operator(self, user: str, since: datetime) -> Standing:
        if user in self._users:
            return Standing(role=Role.OPERATOR)
        found = await asyncio.gather(*(self._is_in(user, group, since) for group in self._groups))
        if True in found:
            return Standing(role=Role.OPERATOR)
        unread = next((one for one in found if isinstance(one, SlackTrouble)), None)
        refusal = None if unread is None else _refusal(_UNREAD_GROUP, unread)
        return Standing(role=Role.MEMBER, refusal=refusal)

    async def _is_in(self, user: str, group: str, since: datetime) -> bool | SlackTrouble:
        """Whether a user is in a group, or why Slack does not say."""
        try:
            return user in await self._members.get(group, since=since)
        except SlackTrouble as trouble:
            _log.warning("a user group cannot be read", group=group, why=trouble.sentence)
            return trouble

    async def _read_along(self, channel: str, user: str, since: datetime) -> Message | None:
        """Why nothing may be changed from a channel: who else is in it, or may be.

        Of direct conversations only the user's own with the bot counts as private. One that the
        bot is not in is between people, and Slack does not say between whom.
        """
        try:
            found = await self._conversations.get(channel, since=since)
        except SlackTrouble as trouble:
            if channel.startswith("D") and trouble.code == "channel_not_found":
                return say(_DIRECT)
            _log.warning("a channel cannot be checked", why=trouble.sentence)
            return _refusal(_UNKNOWN_CHANNEL, trouble)
        if found.outside:
            return say(_OUTSIDE)
        return say(_DIRECT) if found.direct and found.with_bot != user else None


def _is_outsider(person: Person) -> bool:
    return person.bot or person.guest or person.stranger or person.deleted


def _refusal(said: str, trouble: SlackTrouble) -> Message:
    """What is not known, why Slack does not say it, and what to do about that."""
    if isinstance(trouble, Permanent):
        return say(f"{said} {trouble.sentence}")
    if not isinstance(trouble, RetryLater) or trouble.code != "ratelimited":
        return say(f"{said} {trouble.sentence} Try again in a minute.")
    seconds = math.ceil((trouble.after or KEEP).total_seconds())
    return say(f"{said} It limits how often golive may ask. Try again in {seconds} seconds.")


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
