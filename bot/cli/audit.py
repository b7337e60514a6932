"""`golive audit verify`: whether the audit of fixes is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.configuration import environment
from bot.cli.ending import Finished, wait
from bot.cli.output import say


def verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:DIGEST", help="As a final review posted it."),
    ] = None,
) -> None:
    """Find an entry that was changed, removed or inserted.

    Exit code: 0 the audit is whole, 1 it is not, 64 it cannot be looked at.
    """
    # Here, not above: it brings the database's pool, which most other commands do not need.
    from bot.cli.auditing import head_of, sentence, verified  # noqa: PLC0415

    known = head_of(head)
    checked = wait(verified(environment(), known))
    say(sentence(checked))
    raise Finished(0 if checked.whole else 1)
