"""The whole state of the workspace: who is in it, and what was said, shown and uploaded."""

from __future__ import annotations

from bot.demo.workspace.changes import Changes
from bot.demo.workspace.file_book import FileBook
from bot.demo.workspace.ids import Ids
from bot.demo.workspace.message_book import MessageBook
from bot.demo.workspace.people import Cast, Channel, User, UserGroup
from bot.demo.workspace.values import Now, SlackError
from bot.demo.workspace.view_book import ViewBook


class State:
    """Everything that a client of the workspace can see.

    Args:
        now: the clock, in UTC.
        cast: who and what is there at the start.
        file_polls: how many times files.info answers before it knows a mimetype.
        life: the clock that triggers expire by; `now` unless given.
    """

    def __init__(
        self, now: Now, cast: Cast, *, file_polls: int = 1, life: Now | None = None
    ) -> None:
        self.changes = Changes()
        ids = Ids()
        self.messages = MessageBook(now, self.changes, ids)
        self.views = ViewBook(now, self.changes, ids, life or now)
        self.files = FileBook(now, self.changes, file_polls)
        self.bot_user = cast.bot_user
        self._users = {user.id: user for user in cast.users}
        self._groups = {group.id: group for group in cast.groups}
        self._channels = {channel.id: channel for channel in cast.channels}

    @property
    def users(self) -> tuple[User, ...]:
        """Everybody."""
        return tuple(self._users.values())

    @property
    def groups(self) -> tuple[UserGroup, ...]:
        """Every user group."""
        return tuple(self._groups.values())

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Every conversation."""
        return tuple(self._channels.values())

    def put_user(self, user: User) -> None:
        """Add somebody, or change them."""
        self._users[user.id] = user

    def put_group(self, group: UserGroup) -> None:
        """Add a user group, or change it."""
        self._groups[group.id] = group

    def put_channel(self, channel: Channel) -> None:
        """Add a conversation, or change it."""
        self._channels[channel.id] = channel

    def user(self, user_id: str) -> User:
        """Somebody.

        Raises:
            SlackError: nobody has that id.
        """
        user = self._users.get(user_id)
        if user is None:
            raise SlackError("user_not_found")
        return user

    def group(self, group_id: str) -> UserGroup:
        """A user group.

        Raises:
            SlackError: none has that id.
        """
        group = self._groups.get(group_id)
        if group is None:
            raise SlackError("no_such_subteam")
        return group

    def channel(self, name: str) -> Channel:
        """A conversation by its id, or a public channel by its name.

        Raises:
            SlackError: there is none, or it is private or direct and the bot is not in it.
        """
        named = (c for c in self.channels if c.name == name.removeprefix("#"))
        channel = self._channels.get(name) or next(named, None)
        if channel is None:
            raise SlackError("channel_not_found")
        closed = channel.is_private or channel.is_im or channel.is_mpim
        if closed and self.bot_user not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def place(self, channel_id: str) -> Channel:
        """A conversation by its id, whoever is in it.

        Raises:
            KeyError: there is none.
        """
        return self._channels[channel_id]

    def direct(self, user_id: str) -> Channel:
        """The direct conversation of the bot and a user; it is made if there is none."""
        user = self.user(user_id)
        channel = Channel(
            id=f"D{user.id[1:]}",
            name="directmessage",
            members=frozenset({user.id, self.bot_user}),
            is_im=True,
        )
        return self._channels.setdefault(channel.id, channel)
