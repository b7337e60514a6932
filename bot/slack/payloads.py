"""What Slack delivers, read into values; what is not named here is not looked at."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

_SlackId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,40}$")]
"""Of a user, a channel or a view; Slack's own have 9 to 11 characters."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Id(_Body):
    id: _SlackId


class _Place(_Body):
    id: str | None = None
    enterprise_id: str | None = None


class Origin(_Body):
    """Which workspace something comes from; commands, clicks and events say it in other fields."""

    type: str = ""
    team_id: str | None = None
    enterprise_id: str | None = None
    team: _Place | None = None
    enterprise: _Place | None = None
    event: dict[str, Any] | None = None
    ssl_check: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "event_callback" and self.event is None:
            raise ValueError("an event_callback without an event")
        if not self.of_nobody and not self.teams and not self.enterprises:
            raise ValueError("it does not say which workspace it comes from")
        return self

    @property
    def of_nobody(self) -> bool:
        """Whether it is Slack's check of the address, which no workspace makes."""
        return self.type == "url_verification" or self.ssl_check == "1"

    @property
    def teams(self) -> frozenset[str]:
        """The workspaces that it names."""
        return frozenset(filter(None, (self.team_id, self.team and self.team.id)))

    @property
    def enterprises(self) -> frozenset[str]:
        """The enterprises that it names."""
        named = (
            self.enterprise_id,
            self.enterprise and self.enterprise.id,
            self.team and self.team.enterprise_id,
        )
        return frozenset(filter(None, named))


class Typed(_Body):
    """A slash command."""

    user_id: _SlackId
    channel_id: _SlackId
    text: str = ""
    trigger_id: str = Field(min_length=1)
    response_url: str = ""

    @property
    def key(self) -> str:
        """The same for every copy of this delivery."""
        return f"command:{self.trigger_id}"


class _Option(_Body):
    value: str = ""


class Element(_Body):
    """The button that was pressed, or the element in which something was chosen."""

    action_id: str
    action_ts: str = ""
    value: str = ""
    selected_option: _Option | None = None

    @property
    def chosen(self) -> str:
        """The value of the option that was chosen."""
        return self.selected_option.value if self.selected_option is not None else ""


class ClickedView(_Body):
    """The modal in which something was chosen."""

    id: _SlackId
    hash: str = ""
    private_metadata: str = ""


class Click(_Body):
    """A press of a button, in a message or in a view."""

    user: _Id
    channel: _Id | None = None
    trigger_id: str = ""
    response_url: str = ""
    view: ClickedView | None = None
    actions: tuple[Element, ...] = Field(min_length=1)

    @property
    def element(self) -> Element:
        """Slack sends one element a press."""
        return self.actions[0]

    @property
    def key(self) -> str:
        """The same for every copy of this delivery."""
        return f"click:{self.trigger_id}:{self.element.action_id}:{self.element.action_ts}"


class _State(_Body):
    values: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict[str, dict[str, dict[str, Any]]]
    )


class SubmittedView(_Body):
    """The modal that was submitted."""

    id: _SlackId
    hash: str = ""
    callback_id: str = ""
    private_metadata: str = ""
    state: _State = Field(default_factory=_State)

    def text_of(self, name: str) -> str:
        """What stands in a text input whose block and action have this id."""
        value = self.state.values.get(name, {}).get(name, {}).get("value")
        return value.strip() if isinstance(value, str) else ""

    def chosen_in(self, action_id: str) -> str:
        """The value of the option that stands chosen in an element; "" where there is none."""
        for states in self.state.values.values():
            option = states.get(action_id, {}).get("selected_option")
            if isinstance(option, dict):
                return str(cast("dict[str, object]", option).get("value") or "")
        return ""


class Submission(_Body):
    """A modal that was submitted."""

    user: _Id
    view: SubmittedView

    @property
    def key(self) -> str:
        """The same for every copy of this delivery."""
        return f"view:{self.view.id}:{self.view.hash}"


class _HomeEvent(_Body):
    user: _SlackId
    tab: str = ""


class HomeOpened(_Body):
    """Somebody opened App Home."""

    event_id: str = Field(min_length=1)
    event: _HomeEvent

    @property
    def key(self) -> str:
        """The same for every copy of this delivery."""
        return f"event:{self.event_id}"


class SheetNote(_Body):
    """What a fix's preview remembers between its opening and its submission.

    shown: the value of the way that it shows, where there are several
    """

    claim: str
    shown: str = ""
    channel: str
    response_url: str = ""


class DialogNote(_Body):
    """What a dialog remembers between the button and its submission."""

    check: str
    channel: str
    response_url: str = ""
