"""What rendering returns: a Slack message, a modal or a Home as plain data, and its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from checks.engine.model import Json

Block: TypeAlias = dict[str, Json]

PICTURE = "picture:"
"""How a block names a picture still to be uploaded: `{"slack_file": {"id": "picture:0"}}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A PNG that a message shows inline. `alt` says what it shows, in at most 1,000 characters."""

    name: str
    alt: str
    png: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A text that is too long for a message: it goes into the same thread as a file."""

    name: str
    title: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Slack message, masked, escaped and within Slack's limits.

    text:        what notifications and screen readers say: verdict and reason; mentions stand here
    blocks:      top-level blocks (without a colour)
    colour:      of the bar beside `coloured`; None where there is none
    coloured:    the blocks of the one attachment
    pictures:    by number in PICTURE references
    files:       what goes into the thread beside it
    public:      the one line of it that people from outside may read; "" where it is for members
    """

    text: str
    blocks: tuple[Block, ...] = ()
    colour: str | None = None
    coloured: tuple[Block, ...] = ()
    pictures: tuple[Picture, ...] = ()
    files: tuple[TextFile, ...] = ()
    public: str = ""

    def with_public_line(self) -> Message:
        """The same message, whose first line people from outside may read: its verdict."""
        return replace(self, public=self.text.partition("\n")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button that a message offers because there is something to do.

    action:  the action_id that a listener answers to
    value:   what the listener needs to know, at most 2,000 characters
    style:   "", "primary" or "danger"
    confirm: title, text and word of the dialog that asks before it is sent; None asks nothing
    """

    action: str
    label: str
    value: str
    style: str = ""
    confirm: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A modal or a Home. `metadata` (private_metadata) at most 3,000 characters."""

    kind: str
    blocks: tuple[Block, ...]
    title: str = ""
    submit: str = ""
    close: str = ""
    callback: str = ""
    metadata: str = ""
