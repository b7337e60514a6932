"""What a command prints: results on stdout, what is wrong on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from bot.render.words import clean
from checks.engine.known_secrets import hide_text

_PIPE_WIDTH = 120


class _Hiding(Console):
    """Hides secrets before a text is folded to a width: of two halves no secret is known again."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The pieces of something that is printed."""
        if isinstance(renderable, str):
            renderable = hide_text(renderable)
        elif isinstance(renderable, Text) and (shown := hide_text(renderable.plain)) != (
            renderable.plain
        ):
            renderable = Text(shown, style=renderable.style)
        return super().render(renderable, options)


def results() -> Console:
    """As wide as the terminal, and wide enough for a line a finding in a pipe."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return _Hiding(highlight=False, markup=False, emoji=False, width=width)


def show(result: RenderableType) -> None:
    """Print without the blanks that pad a table's cells: results are piped and diffed."""
    console = results()
    with console.capture() as captured:
        console.print(result)
    say("\n".join(line.rstrip() for line in captured.get().splitlines()))


def say(line: str) -> None:
    """Print a text, without any secret that golive knows."""
    sys.stdout.write(f"{hide_text(line)}\n")


def complain(errors: Iterable[str]) -> None:
    """Print sentences on stderr, cleaned of what a terminal would obey."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for error in errors:
        console.print(clean(error))
