"""Whether the statements of checks and fixes fit the application's schema: each is planned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, LiteralString
from uuid import UUID

from bot.doctor.model import Line, failed, ok
from checks.engine.check import Query
from checks.engine.model import DatabaseEvidence
from checks.engine.wording import plural

_NAME: Final = re.compile(r"%\((\w+)\)s")
_INSTANT: Final = datetime(2000, 1, 1, tzinfo=UTC)
_SAMPLES: Final[Mapping[str, object]] = {
    **dict.fromkeys(("now", "since", "until", "deployed_at"), _INSTANT),
    **dict.fromkeys(("unit", "campaign", "claim"), UUID(int=0)),
    **dict.fromkeys(("created_ids", "ids", "sent", "permanent", "moved_campaigns"), ()),
    "only_retried": True,
    "status": "queued",
}
"""A value of its type for each parameter that is no number."""

_PREFIX: Final = "explain "


def explained(name: str, statement: LiteralString) -> tuple[Query, dict[str, object]]:
    """A statement to be planned and not run, with a value for each of its parameters.

    Planning finds columns of another type, values that an enum does not know, and missing rights.
    """
    names = dict.fromkeys(_NAME.findall(statement))
    values = {each: _sample(each) for each in names}
    return Query(name=f"{_PREFIX}{name}", sql=f"EXPLAIN {statement}", reads={}), values


def _sample(name: str) -> object:
    value = _SAMPLES.get(name, _INSTANT if name.endswith("_since") else 1)
    return list[str]() if value == () else value


def fit_lines(
    found: DatabaseEvidence, asked: Iterable[Query], users: Mapping[str, Sequence[str]]
) -> list[Line]:
    """A line for each statement that cannot be planned, or one for all.

    Args:
        found: the answers.
        asked: what `explained` made.
        users: name of a statement → what needs it.
    """
    lines: list[Line] = []
    fine = 0
    for query in asked:
        result = found.results.get(query.name)
        if result is None or result.problem is None:
            fine += 1
            continue
        name = query.name.removeprefix(_PREFIX)
        what = result.problem.what.replace(query.name, name)
        lines.append(
            failed(
                f"{what} Without it: {', '.join(users.get(name, ())) or name}.",
                "The column has another type than golive knows: text, varchar or an enum for a"
                " status, uuid or bigint for an id.",
            )
        )
    return lines or [ok(f"All {plural(fine, 'statement')} fit the schema.")]
