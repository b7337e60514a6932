"""What follows a reset at once: the runbook's hooks hand its rows to whatever sends them.

Each row is handed over at most once: a call that was cut off is told, and not made again.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, LiteralString

from bot.clock import Clock
from bot.remediation import audit
from bot.remediation.audit import Entry
from bot.remediation.database import FixDatabase, fetch
from bot.remediation.hooks import Answer, Hooks
from bot.remediation.values import Claim
from bot.render.sentences import say
from bot.watch.fix_posts import FixPosts
from checks.engine.runbook.remediation import Hook, Remediation
from checks.engine.wording import plural

_ROWS: Final[LiteralString] = """
    SELECT row_id FROM golive.fix_before_images WHERE claim_id = %(claim)s ORDER BY row_id
"""


class SendingOn:
    """Calls `resend` for each message and `redispatch` for a campaign.

    Args:
        database: where the rows of a fix and the audit are.
        rules: name the hooks.
        hooks: calls them.
        posts: say what they answered.
        clock: gives the instant.
    """

    def __init__(
        self, database: FixDatabase, rules: Remediation, hooks: Hooks, posts: FixPosts, clock: Clock
    ) -> None:
        self._database = database
        self._rules = rules
        self._hooks = hooks
        self._posts = posts
        self._clock = clock

    async def after(self, claim: Claim) -> None:
        """Hand over what a fix changed, where the runbook names a hook for it."""
        named: dict[str, tuple[Hook | None, str]] = {
            "reset_messages": (self._rules.reset_messages.resend, "message_id"),
            "reset_campaign": (self._rules.reset_campaign.redispatch, "campaign_id"),
        }
        hook, word = named.get(claim.kind, (None, ""))
        if hook is None:
            return
        async with self._database.transaction() as connection:
            rows = await fetch(connection, _ROWS, {"claim": claim.id})
            await audit.append(connection, self._entry(claim, "handing over", len(rows), {}))
        answers: Counter[str] = Counter()
        for row in rows:
            body = {word: str(row["row_id"]), "claim": str(claim.id)}
            answer = await self._hooks.call(hook, body, key=f"{claim.id}:{row['row_id']}")
            answers[_words(answer)] += 1
        async with self._database.transaction() as connection:
            entry = self._entry(claim, "handed over", len(rows), dict(answers))
            await audit.append(connection, entry)
        listed = ", ".join(f"{n} {words}" for words, n in answers.most_common())
        said = f"{plural(len(rows), 'row')} handed to {hook.host}: {listed}."
        await self._posts.notice(claim, "handed", say(said))

    def _entry(self, claim: Claim, action: str, rows: int, answers: dict[str, int]) -> Entry:
        return Entry(
            at=self._clock.now(),
            actor="golive",
            action=action,
            target=f"{claim.kind} {claim.target}",
            claim=claim.id,
            rows=rows,
            details={"answers": {**answers}},
        )


def _words(answer: Answer) -> str:
    return "accepted" if answer.good else answer.words
