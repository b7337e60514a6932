"""What can go wrong between golive and Slack, as types and as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final


class SlackTrouble(Exception):  # noqa: N818 - it names what callers handle
    """Slack did not do what it was asked.

    sentence: what happened and the mend; it holds neither tokens nor contents
    code:     Slack's word for it, or "" where there is none
    """

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


class RetryLater(SlackTrouble):
    """The same call may succeed later.

    after:  how long Slack asks to wait; None where it did not say
    unsure: whether Slack may have done it all the same
    """

    def __init__(
        self,
        sentence: str,
        *,
        code: str = "",
        after: timedelta | None = None,
        unsure: bool = False,
    ) -> None:
        super().__init__(sentence, code=code)
        self.after = after
        self.unsure = unsure


class Permanent(SlackTrouble):
    """The same call will never succeed.

    mendable: whether it would after somebody changed something in Slack or in the settings
    """

    def __init__(self, sentence: str, *, code: str = "", mendable: bool = False) -> None:
        super().__init__(sentence, code=code)
        self.mendable = mendable


TRANSIENT: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "rollup_error"}
)
"""Slack's words for its own trouble; it may have done what it was asked."""

_MENDS: Final[Mapping[str, str]] = {
    "not_in_channel": "The bot is not in the channel. Invite it there.",
    "channel_not_found": "Slack knows no such channel, or the bot is not in it. Invite it there.",
    "is_archived": "The channel is archived. Unarchive it, or choose another one.",
    "invalid_auth": "Slack refuses the token. Check SLACK_BOT_TOKEN.",
    "not_authed": "Slack got no token. Check SLACK_BOT_TOKEN.",
    "account_inactive": "The bot's account is deactivated. Install the app again.",
    "token_revoked": "The token was revoked. Install the app again.",
    "token_expired": "The token has expired. Switch token rotation off and install the app again.",
    "org_login_required": "Slack is moving the workspace. It works again afterwards.",
    "team_access_not_granted": "The app has no access to this workspace. Grant it.",
    "no_such_subteam": "Slack knows no such user group. Check its id.",
    "paid_teams_only": "User groups need a paid plan of Slack. Name the users instead.",
}
"""What somebody can change so that the same call succeeds."""


def refused(method: str, code: str, needed: str = "") -> Permanent:
    """Slack understood the call and says no."""
    if code == "missing_scope":
        return Permanent(
            f"The app lacks the scope {needed or 'of this call'}. Add it and install it again.",
            code=code,
            mendable=True,
        )
    mend = _MENDS.get(code)
    if mend is not None:
        return Permanent(mend, code=code, mendable=True)
    return Permanent(f"Slack refuses {method}: {code or 'no reason given'}.", code=code)
