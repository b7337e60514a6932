"""Slack: the tokens, the scopes, the channel, and the people whom the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from bot.doctor.clocks import Span, clock_line, date_header
from bot.doctor.model import Line, failed, ok, warning
from bot.doctor.slack_calls import Answer, SlackApi
from checks.engine.wording import plural

_UNREACHABLE: Final = (
    "Check this machine's network and proxy (HTTPS_PROXY), and SLACK_API_URL where it is set."
)
_REINSTALL: Final = "Install the app again, and set the new token."
_TOKENS: Final[Mapping[str, str]] = {
    "invalid_auth": "Set it to the token that Slack shows for the app.",
    "not_authed": "Set it to the token that Slack shows for the app.",
    "account_inactive": _REINSTALL,
    "token_revoked": _REINSTALL,
    "token_expired": "Switch token rotation off, and install the app again.",
    "not_allowed_token_type": "The bot token starts xoxb-, the app token starts xapp-.",
    "missing_scope": "An app token needs the scope connections:write.",
    "ratelimited": "Too much was asked of Slack. Try again in a minute.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """What the settings say about Slack.

    scopes: groups of scopes; of each group one is needed, the others for other kinds of channel
    """

    bot_token: str = field(repr=False)
    app_token: str | None = field(default=None, repr=False)
    mode: Literal["socket", "http"] | None = None
    channel: str | None = None
    lead: str | None = None
    operators: tuple[str, ...] = ()
    scopes: tuple[tuple[str, ...], ...] = ()


async def look_at_slack(
    api: SlackApi, settings: SlackSettings, clock: Callable[[], datetime]
) -> list[Line]:
    """Try the token first; where it works, everything else at once.

    Args:
        api: calls the Web API.
        settings: what is configured.
        clock: this machine's time.
    """
    before = clock()
    answer = await api.call("auth.test", settings.bot_token)
    here = Span(before=before, after=clock())
    if answer.unreachable:
        return [_unreachable(answer)]
    if answer.error:
        return [_refused("SLACK_BOT_TOKEN", answer)]
    people = (_operator(api, settings, entry) for entry in settings.operators)
    parts = await asyncio.gather(
        _way_in(api, settings), _channel(api, settings), _lead(api, settings), *people
    )
    lines = [
        ok(f"SLACK_BOT_TOKEN is valid, in the workspace {answer.text('team')}."),
        *_scopes(answer.scopes, settings),
        *(line for part in parts for line in part),
    ]
    if not settings.operators:
        lines.append(
            warning(
                "GOLIVE_OPERATORS is empty: nobody may start a watch or make a fix.",
                "Set it to the ids of the users and user groups who may.",
            )
        )
    date = date_header(answer.date)
    if date is not None:
        lines.append(clock_line("Slack's", date, here, exact=False))
    return lines


def _unreachable(answer: Answer) -> Line:
    return failed(f"Slack cannot be reached ({answer.reason}).", _UNREACHABLE)


def _refused(variable: str, answer: Answer) -> Line:
    mend = _TOKENS.get(answer.error, "Look the error up in Slack's documentation of the method.")
    return failed(f"Slack refuses {variable}: {answer.reason}.", mend)


def _scopes(granted: frozenset[str], settings: SlackSettings) -> list[Line]:
    unmet = [group for group in settings.scopes if not granted & set(group)]
    lost = [" or ".join(group) for group in unmet]
    other = {
        scope
        for group in settings.scopes
        if group not in unmet
        for scope in group
        if scope not in granted
    }
    lines: list[Line] = []
    if lost:
        lines.append(
            failed(
                f"The app lacks the {'scope' if len(lost) == 1 else 'scopes'} {', '.join(lost)}.",
                "Add what manifests/slack.yaml lists under OAuth & Permissions, and install the app"
                " again.",
            )
        )
    if other:
        lines.append(
            warning(
                f"Without {', '.join(sorted(other))} channels of another kind cannot be used.",
                "Add it under OAuth & Permissions, and install the app again.",
            )
        )
    return lines or [ok("The app has all scopes that golive uses.")]


async def _way_in(api: SlackApi, settings: SlackSettings) -> list[Line]:
    if settings.mode == "http":
        return [ok("HTTP mode: Slack sends signed requests to this machine.")]
    if settings.mode is None or settings.app_token is None:
        return []
    answer = await api.call("apps.connections.open", settings.app_token)
    if answer.unreachable:
        return [_unreachable(answer)]
    if answer.error:
        return [_refused("SLACK_APP_TOKEN", answer)]
    return [ok("Socket Mode: SLACK_APP_TOKEN is valid and opens connections.")]


async def _channel(api: SlackApi, settings: SlackSettings) -> list[Line]:
    name = settings.channel
    if name is None:
        return []
    answer = await api.call("conversations.info", settings.bot_token, channel=name)
    if answer.unreachable:
        return [_unreachable(answer)]
    if answer.error:
        wrong = failed(
            f"GOLIVE_CHANNEL {name} cannot be seen: {answer.reason}.",
            "Check the id; a private channel is seen only after /invite of the bot.",
        )
        return [] if answer.error == "missing_scope" else [wrong]  # that is said with the scopes
    called = f"#{answer.text('channel', 'name')}"
    if answer.at("channel", "is_archived"):
        return [failed(f"The channel {called} is archived.", "Unarchive it, or set another one.")]
    if not answer.at("channel", "is_member"):
        return [failed(f"The bot is not in {called}.", f"Write /invite @golive in {called}.")]
    lines = [ok(f"The bot is in {called}.")]
    if answer.at("channel", "is_ext_shared"):
        lines.append(
            warning(
                f"{called} is shared with another organisation: no watch begins in it.",
                "Use a channel of your own workspace for GOLIVE_CHANNEL.",
            )
        )
    return lines


async def _lead(api: SlackApi, settings: SlackSettings) -> list[Line]:
    if settings.lead is None:
        return [
            warning(
                "GOLIVE_LEAD is not set: nobody is called on escalation.",
                "Set it to the id of a user or a user group.",
            )
        ]
    return [await _reach(api, settings, settings.lead, "GOLIVE_LEAD", operator=False)]


async def _operator(api: SlackApi, settings: SlackSettings, entry: str) -> list[Line]:
    return [await _reach(api, settings, entry, "GOLIVE_OPERATORS", operator=True)]


async def _reach(
    api: SlackApi, settings: SlackSettings, entry: str, variable: str, *, operator: bool
) -> Line:
    """Whether an id stands for somebody: a user, or a group with people in it."""
    if entry.startswith("S"):
        return await _group(api, settings, entry, variable)
    answer = await api.call("users.info", settings.bot_token, user=entry)
    if answer.unreachable:
        return _unreachable(answer)
    if answer.error:
        return failed(f"{variable}: {entry} is not known to Slack ({answer.reason}).", _CHECK_ID)
    if answer.at("user", "deleted"):
        return failed(f"{variable}: the account of {entry} is deactivated.", _CHECK_ID)
    outside = ("is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
    if operator and any(answer.at("user", flag) for flag in outside):
        return failed(
            f"{variable}: {entry} is a guest, a bot or from outside, and may do nothing.",
            "Name a full member of the workspace.",
        )
    return ok(f"{variable}: {entry} is a member of the workspace.")


_CHECK_ID: Final = "Check the id in the profile's menu, or take it out."


async def _group(api: SlackApi, settings: SlackSettings, entry: str, variable: str) -> Line:
    answer = await api.call("usergroups.users.list", settings.bot_token, usergroup=entry)
    if answer.unreachable:
        return _unreachable(answer)
    if answer.error:
        return failed(
            f"{variable}: the user group {entry} cannot be read ({answer.reason}).",
            "Check the id. User groups need a paid plan and the scope usergroups:read.",
        )
    users = answer.at("users")
    number = len(users) if isinstance(users, list) else 0  # pyright: ignore[reportUnknownArgumentType]
    if not number:
        return failed(
            f"{variable}: nobody is in the user group {entry}.", "Add people to it, or enable it."
        )
    return ok(f"{variable}: {plural(number, 'person', 'people')} in the user group {entry}.")
