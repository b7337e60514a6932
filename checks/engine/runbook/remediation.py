"""What fixes may do: the shape of `remediation:` in runbook.yaml, and its frozen form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal, Self, TypeAlias, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from checks.engine.runbook.primitives import Count, Flag, Span, Strict, Text

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")


def _address(text: str) -> str:
    """An address that a hook may have; the message never repeats it: it may hold a password."""
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and not parts.username and not parts.fragment
    except ValueError:
        named = False
        parts = urlsplit("")
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not named or not safe:
        raise ValueError("must be an https:// address without credentials in it")
    return text


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError("is no name of an environment variable, such as RESEND_TOKEN")
    return text


_Address: TypeAlias = Annotated[str, AfterValidator(_address)]
_Variable: TypeAlias = Annotated[str, AfterValidator(_variable)]
_People: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=2)]
_Words: TypeAlias = Annotated[list[Text], Field(min_length=1)]


class HookSpec(Strict):
    """An HTTPS address that golive POSTs to.

    `token` names the environment variable whose value is sent as a Bearer token; it must be listed
    in GOLIVE_SECRETS, so that it is never shown.
    """

    url: _Address
    token: _Variable | None = None
    timeout: Span

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, given: object) -> object:
        """An address alone is not repeated either."""
        if isinstance(given, dict):
            return cast("dict[str, object]", given)
        raise ValueError("expected a mapping, such as {url: https://…, timeout: 10s}")


class ResetMessagesSpec(Strict):
    """Which failed messages may be reset, to what, and how they are then sent."""

    within: Span
    only_retried: Flag
    status: Literal["queued", "pending"]
    permanent_errors: list[Text]
    resend: HookSpec | None = None


class ResetCampaignSpec(Strict):
    """How long a campaign must have stood still before it may be reset, and who dispatches it."""

    still_for: Span
    redispatch: HookSpec | None = None


class RollbackSpec(Strict):
    """How a release is rolled back: a command, a hook, or, with neither, steps by hand.

    `environment` names the variables that a command is given beside PATH, HOME and LANG.
    """

    command: _Words | None = None
    environment: list[_Variable] = Field(default_factory=list[_Variable])
    hook: HookSpec | None = None
    timeout: Span
    steps: _Words

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.command is not None and self.hook is not None:
            raise ValueError("give command or hook, not both")
        if self.environment and self.command is None:
            raise ValueError("environment is of a command; without one nothing would get it")
        return self


class RemediationSpec(Strict):
    """The bounds that every fix keeps, and what each kind of fix does."""

    approvals: _People
    expires_after: Span
    verify_after: Span
    undo_for: Span
    max_rows: Count
    lock_timeout: Span
    statement_timeout: Span
    reset_messages: ResetMessagesSpec
    reset_campaign: ResetCampaignSpec
    rollback: RollbackSpec


# --- the frozen form ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """An address that golive POSTs to; `token` names a secret of the environment."""

    url: str
    timeout: timedelta
    token: str | None = None

    @property
    def host(self) -> str:
        """Whom it calls, for sentences."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetMessages:
    """Which failed messages may be reset; `permanent_errors` are parts of an error's words."""

    within: timedelta
    only_retried: bool
    status: str
    permanent_errors: tuple[str, ...]
    resend: Hook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetCampaign:
    """How long a campaign must have been seen to stand still."""

    still_for: timedelta
    redispatch: Hook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    """A command without a shell, a hook, or the steps that people go through.

    timeout:     of the whole; a hook may have a shorter one of its own
    environment: names of variables that a command gets beside PATH, HOME and LANG
    """

    timeout: timedelta
    steps: tuple[str, ...]
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    hook: Hook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """The bounds of all fixes.

    approvals:         2 asks for a second operator, who is not the first
    expires_after:     how long a preview may be confirmed
    verify_after:      how long after a fix it is looked at again
    undo_for:          how long a fix may be taken back
    max_rows:          a fix that would change more changes nothing
    """

    approvals: int
    expires_after: timedelta
    verify_after: timedelta
    undo_for: timedelta
    max_rows: int
    lock_timeout: timedelta
    statement_timeout: timedelta
    reset_messages: ResetMessages
    reset_campaign: ResetCampaign
    rollback: RollbackPlan


def remediation_of(spec: RemediationSpec) -> Remediation:
    """What the file says, frozen."""
    messages, campaign, back = spec.reset_messages, spec.reset_campaign, spec.rollback
    return Remediation(
        approvals=spec.approvals,
        expires_after=spec.expires_after,
        verify_after=spec.verify_after,
        undo_for=spec.undo_for,
        max_rows=spec.max_rows,
        lock_timeout=spec.lock_timeout,
        statement_timeout=spec.statement_timeout,
        reset_messages=ResetMessages(
            within=messages.within,
            only_retried=messages.only_retried,
            status=messages.status,
            permanent_errors=tuple(messages.permanent_errors),
            resend=_hook(messages.resend),
        ),
        reset_campaign=ResetCampaign(
            still_for=campaign.still_for, redispatch=_hook(campaign.redispatch)
        ),
        rollback=RollbackPlan(
            timeout=back.timeout,
            steps=tuple(back.steps),
            command=tuple(back.command or ()),
            environment=tuple(back.environment),
            hook=_hook(back.hook),
        ),
    )


def _hook(spec: HookSpec | None) -> Hook | None:
    if spec is None:
        return None
    return Hook(url=spec.url, timeout=spec.timeout, token=spec.token)
