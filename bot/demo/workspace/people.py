"""Who and what is in the workspace: users, user groups and channels."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.demo.workspace.values import Json

TEAM = "T0GOLIVE001"
FOREIGN_TEAM = "T0PARTNER01"
APP = "A0GOLIVE001"
BOT = "B0GOLIVE001"
BOT_USER = "U0GOLIVEBOT"

OPERATOR = "U0OLIVIA001"
SECOND_OPERATOR = "U0PAUL00002"
MEMBER = "U0MARTA0003"
GUEST = "U0GUSTAV004"
SINGLE_CHANNEL_GUEST = "U0SOFIE0005"
STRANGER = "U0EXTERN006"

OPERATORS = "S0OPERATORS"

RELEASES = "C0RELEASES1"
PRIVATE = "C0INCIDENT2"
SHARED = "C0PARTNERS3"
WITHOUT_BOT = "C0RANDOM004"
ARCHIVED = "C0OLD000005"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with an account, or an app's bot."""

    id: str
    name: str
    real_name: str
    team_id: str = TEAM
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    deleted: bool = False
    tz: str = "Etc/UTC"

    def to_json(self) -> Json:
        """The user object of the Web API."""
        body: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "tz": self.tz,
            "tz_label": "UTC",
            "tz_offset": 0,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_admin": False,
            "is_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "profile": {"display_name": self.name, "real_name": self.real_name},
        }
        if self.is_stranger:
            body["is_stranger"] = True
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """A user group and who is in it."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]
    disabled: bool = False

    def to_json(self, *, users: bool) -> Json:
        """The user group object of the Web API, with its members if asked."""
        body: Json = {
            "id": self.id,
            "team_id": TEAM,
            "is_usergroup": True,
            "handle": self.handle,
            "name": self.name,
            "user_count": len(self.members),
            "date_delete": 1 if self.disabled else 0,
        }
        if users:
            body["users"] = list(self.members)
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation and who is in it."""

    id: str
    name: str
    members: frozenset[str]
    is_private: bool = False
    is_ext_shared: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_archived: bool = False

    def to_json(self, reader: str) -> Json:
        """The conversation object of the Web API, as one user sees it."""
        if self.is_im:
            other = min(self.members - {reader}, default=reader)
            return {"id": self.id, "is_im": True, "user": other, "is_archived": False}
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": not self.is_private,
            "is_group": False,
            "is_im": False,
            "is_mpim": self.is_mpim,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_org_shared": False,
            "is_member": reader in self.members,
            "num_members": len(self.members),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody and everything that a workspace begins with."""

    users: tuple[User, ...]
    groups: tuple[UserGroup, ...]
    channels: tuple[Channel, ...]
    bot_user: str = field(default=BOT_USER)


def standard_cast() -> Cast:
    """Two operators, a member, two guests, a stranger; channels of every kind."""
    people = frozenset({OPERATOR, SECOND_OPERATOR, MEMBER})
    return Cast(users=_users(), groups=_groups(), channels=_channels(people))


def _users() -> tuple[User, ...]:
    return (
        User(id=OPERATOR, name="olivia", real_name="Olivia Operator"),
        User(id=SECOND_OPERATOR, name="paul", real_name="Paul Second"),
        User(id=MEMBER, name="marta", real_name="Marta Member"),
        User(id=GUEST, name="gustav", real_name="Gustav Guest", is_restricted=True),
        User(
            id=SINGLE_CHANNEL_GUEST,
            name="sofie",
            real_name="Sofie Single",
            is_restricted=True,
            is_ultra_restricted=True,
        ),
        User(
            id=STRANGER,
            name="xenia",
            real_name="Xenia External",
            team_id=FOREIGN_TEAM,
            is_stranger=True,
        ),
        User(id=BOT_USER, name="golive", real_name="golive", is_bot=True),
    )


def _groups() -> tuple[UserGroup, ...]:
    return (
        UserGroup(
            id=OPERATORS,
            handle="operators",
            name="Operators",
            members=(OPERATOR, SECOND_OPERATOR),
        ),
    )


def _channels(people: frozenset[str]) -> tuple[Channel, ...]:
    with_bot = people | {BOT_USER}
    return (
        Channel(id=RELEASES, name="releases", members=with_bot | {GUEST, SINGLE_CHANNEL_GUEST}),
        Channel(id=PRIVATE, name="incident", members=with_bot, is_private=True),
        Channel(id=SHARED, name="partners", members=with_bot | {STRANGER}, is_ext_shared=True),
        Channel(id=WITHOUT_BOT, name="random", members=people),
        Channel(id=ARCHIVED, name="old-releases", members=with_bot, is_archived=True),
    )
