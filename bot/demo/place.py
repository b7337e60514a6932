"""The workspace that the demo plays in: who is there, and where."""

from __future__ import annotations

from bot.demo.workspace import people
from bot.demo.workspace.people import BOT_USER, Cast, Channel, User, UserGroup

INCIDENTS = "C0INCIDENTS"
PARTNERS = people.SHARED
RANDOM = "C0RANDOM004"

OPERATOR = people.OPERATOR
SECOND_OPERATOR = people.SECOND_OPERATOR
MEMBER = people.MEMBER
GUEST = people.GUEST


def demo_cast() -> Cast:
    """Two operators, somebody without rights and a guest, in #incidents and two more channels."""
    team = frozenset({OPERATOR, SECOND_OPERATOR, MEMBER})
    return Cast(
        users=(
            User(id=OPERATOR, name="olivia", real_name="Olivia Okafor"),
            User(id=SECOND_OPERATOR, name="paul", real_name="Paul Petrov"),
            User(id=MEMBER, name="marta", real_name="Marta Mendes"),
            User(id=GUEST, name="gustav", real_name="Gustav Grün", is_restricted=True),
            User(id=BOT_USER, name="golive", real_name="golive", is_bot=True),
        ),
        groups=(
            UserGroup(
                id=people.OPERATORS,
                handle="oncall",
                name="On call",
                members=(OPERATOR, SECOND_OPERATOR),
            ),
        ),
        channels=(
            Channel(id=INCIDENTS, name="incidents", members=team | {GUEST, BOT_USER}),
            Channel(id=PARTNERS, name="partners", members=team | {BOT_USER}, is_ext_shared=True),
            Channel(id=RANDOM, name="random", members=team),
        ),
    )


ABOUT = {
    OPERATOR: "operator",
    SECOND_OPERATOR: "second operator",
    MEMBER: "member, no operator",
    GUEST: "guest",
}
"""What each person may do, in the words of whoever switches between them."""
