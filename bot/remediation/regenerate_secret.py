"""Fix of incident 1: a new webhook secret, in the database and in Evolution as one unit.

No secret leaves this process but to its own two homes: none is kept, shown, posted or logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, LiteralString
from urllib.parse import quote
from uuid import UUID

from bot.remediation.database import Connection, FixDatabase, Row, fetch, one
from bot.remediation.evolution_writer import EvolutionWriter, Webhook
from bot.remediation.kinds import Outcome, Preview, Seen, shown, unit_named
from bot.remediation.values import Aim, Change, Claim, FixRefused, Sheet, Wish
from checks.diagnosis.webhooks import ROUTE
from checks.engine.known_secrets import know
from checks.engine.model import Json, Problem
from checks.sources.evolution import Failure, Server, ServerSettings, same_origin, server_of

MASKED: Final = "[MASKED]"

SWITCHED: Final = "switched"
"""The audit's word for: the new secret holds from here on. It says where the log ended then."""

_CHANGE: Final = """
    WITH chosen AS (
        SELECT id, webhook_secret::text AS webhook_secret, instance_id,
            provider_config ->> 'apiUrl' AS api_url
        FROM unit_whatsapp_connections
        WHERE unit_id = %(unit)s AND provider::text = 'evolution'
        FOR UPDATE
    )
    UPDATE unit_whatsapp_connections AS w
    SET webhook_secret = gen_random_uuid()
    FROM chosen
    WHERE w.id = chosen.id
    RETURNING w.id, w.webhook_secret::text AS new_secret, chosen.webhook_secret AS old_secret,
        chosen.instance_id, chosen.api_url
"""
"""The runbook's statement, for one unit that Evolution serves."""

_CONNECTION: Final = """
    SELECT w.id, w.provider, w.instance_id, w.status, w.webhook_secret::text AS webhook_secret,
        w.provider_config ->> 'apiUrl' AS api_url, w.provider_config ->> 'apiKey' AS api_key
    FROM unit_whatsapp_connections AS w WHERE w.unit_id = %(unit)s
"""

_SQL: Final = (
    "UPDATE unit_whatsapp_connections\nSET webhook_secret = gen_random_uuid()::text\n"
    "WHERE unit_id = '{unit}' AND provider = 'evolution';"
)
_BY_HAND: Final = "SELECT webhook_secret FROM unit_whatsapp_connections WHERE unit_id = '{unit}';"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """One connection in Evolution: which server, which instance."""

    server: Server
    instance: str = field(repr=False)


class RegenerateSecret:
    """`Kind` of incident 1.

    Args:
        writer: finds and sets webhooks.
        environment: address and key for connections that name none of their own.
        base_url: the application's public address; None where golive was not given one.
        fingerprint: names a secret without showing it, to see that it is still the same.
        live: is told the secret that is replaced, so that the log is searched for it still.
        place: where the log ends, to be kept when a fix begins.
    """

    name: ClassVar[str] = "regenerate_secret"
    check: ClassVar[str] = "unknown_instances"
    undoable: ClassVar[bool] = False
    uses: ClassVar[Mapping[str, str]] = {"units": "r", "unit_whatsapp_connections": "rw"}
    statements: ClassVar[tuple[LiteralString, ...]] = (_CONNECTION, _CHANGE)

    def __init__(
        self,
        writer: EvolutionWriter,
        *,
        environment: ServerSettings,
        base_url: str | None,
        fingerprint: Callable[[str], str],
        live: Callable[[str], None],
        place: Callable[[], Awaitable[Mapping[str, Json]]],
    ) -> None:
        self.writer = writer
        self._environment = environment
        self._base_url = (base_url or "").rstrip("/")
        self._fingerprint = fingerprint
        self._live = live
        self.place = place

    async def look(self, *, proposing: bool) -> Seen:
        """Nothing: rows and Evolution tell everything."""
        del proposing
        return Seen()

    async def aim(self, connection: Connection, wish: Wish, seen: Seen) -> Aim:
        """One unit, whose provider is Evolution."""
        del seen
        if not wish.target.strip():
            raise FixRefused("Say which unit: `/golive fix regenerate_secret UNIT`.")
        unit = await unit_named(connection, wish.target)
        name = shown(unit["name"], 60)
        row = await self._row(connection, str(unit["id"]))
        if row is None:
            raise FixRefused(f"{name} has no WhatsApp connection.")
        if row["provider"] != "evolution":
            provider = shown(row["provider"], 30)
            raise FixRefused(f"{name} is served by {provider}; only Evolution can be told.")
        return Aim(target=str(unit["id"]), name=name, parameters={})

    async def change(self, connection: Connection, aim: Aim, seen: Seen) -> tuple[Change, ...]:
        """A new secret in the row, not committed yet."""
        del seen
        rows = await fetch(connection, _CHANGE, {"unit": aim.target})
        secrets = [row[name] or "" for row in rows for name in ("old_secret", "new_secret")]
        await asyncio.to_thread(know, secrets)
        return tuple(map(self._change, rows))

    async def facts(self, connection: Connection, aim: Aim) -> Mapping[str, object]:
        """Which Evolution it is."""
        row = await self._row(connection, aim.target)
        return {"partner": self.partner(row) if row is not None else None}

    async def sheet(self, preview: Preview) -> Sheet:
        """The host that will be told, what is set there now, and what is lost meanwhile."""
        unit, name = preview.aim.target, preview.aim.name
        partner = preview.facts.get("partner")
        facts: list[str] = []
        warnings = [
            "Messages that arrive during the switch are lost; unknown-instance warnings of this"
            " unit are expected meanwhile.",
            "There is no undo: a secret can only be replaced once more.",
        ]
        steps: tuple[str, ...] = ()
        if isinstance(partner, Partner):
            facts.append(f"Evolution at {partner.server.host} is told the new address.")
            if same_origin(partner.server, self._environment) is False:
                warnings.append(
                    f"{partner.server.base} is the connection's own server, not the one of"
                    " EVOLUTION_API_URL: make sure that it is yours before it is told a secret."
                )
            found = await self.writer.find(partner.server, partner.instance)
            warnings += _about(found)
        else:
            why = str(partner) if isinstance(partner, Problem) else "It is not known."
            facts.append(f"Evolution cannot be told by golive. {why}")
            steps = (
                f"Read the new secret yourself: {_BY_HAND.format(unit=unit)}",
                f"Set the webhook in Evolution to {self._base_url or 'BASE_URL'}{ROUTE}/SECRET.",
            )
        return Sheet(
            title=f"Regenerate the webhook secret of {name}",
            verb="Regenerate",
            rows=len(preview.changes),
            facts=tuple(facts),
            warnings=tuple(warnings),
            words=f"Gives the connection of {name} a new random webhook secret.",
            sql=_SQL.format(unit=unit),
            steps=steps,
        )

    async def restore(self, connection: Connection, claim: UUID) -> tuple[list[UUID], list[str]]:
        """Nothing: the old secret is not kept."""
        del connection, claim
        return [], []

    async def outcome(self, database: FixDatabase, claim: Claim) -> Outcome:
        """Whether database and Evolution agree."""
        async with database.transaction(keep=False) as connection:
            row = await self._row(connection, claim.target)
        if row is None:
            return Outcome(counts=(), lines=("The connection is gone.",), good=False)
        partner = self.partner(row)
        if isinstance(partner, Problem):
            return Outcome(counts=(("secret renewed", 1),), lines=(str(partner),))
        found = await self.writer.find(partner.server, partner.instance)
        if isinstance(found, Failure):
            return Outcome(counts=(("secret renewed", 1),), lines=(str(found.problem),))
        same = found is not None and found.url == self.url(str(row["webhook_secret"]))
        said = "Database and Evolution agree." if same else "Database and Evolution differ."
        return Outcome(counts=(("secret renewed", 1),), lines=(said,), good=same)

    # --- the other system -----------------------------------------------------------------------

    async def connection_of(self, connection: Connection, unit: str) -> tuple[str, Partner] | None:
        """The committed secret ("" where there was none yet) and whom to tell; None for nobody."""
        row = await self._row(connection, unit)
        partner = self.partner(row) if row is not None else None
        if row is None or not isinstance(partner, Partner):
            return None
        return str(row["webhook_secret"] or ""), partner

    def partner(self, row: Row) -> Partner | Problem:
        """The connection's own server wins over the environment's."""
        if not self._base_url:
            return Problem(what="BASE_URL is not set.", mend="Set it, and try again.")
        own = ServerSettings(url=row["api_url"], key=row["api_key"])
        server = server_of(own, self._environment)
        if isinstance(server, Problem):
            return server
        if not row["instance_id"]:
            return Problem(what="The connection names no instance.", mend="Connect the unit first.")
        return Partner(server=server, instance=str(row["instance_id"]))

    def url(self, secret: str) -> str:
        """Where Evolution is to send this connection's events."""
        return f"{self._base_url}{ROUTE}/{quote(secret, safe='')}"

    async def _row(self, connection: Connection, unit: str) -> Row | None:
        return await one(connection, _CONNECTION, {"unit": unit})

    def _change(self, row: Row) -> Change:
        self._live(row["old_secret"] or "")
        return Change(
            table="unit_whatsapp_connections",
            row_id=row["id"],
            before={"webhook_secret": MASKED},
            after={"webhook_secret": MASKED},
            seen={
                "secret": self._fingerprint(row["old_secret"] or ""),
                "instance": shown(row["instance_id"]),
                "server": shown(row["api_url"]),
            },
            hidden={"new": row["new_secret"]},
        )


def _about(found: Webhook | Failure | None) -> list[str]:
    match found:
        case None:
            return ["No webhook is set there yet: it is set with the events that are needed."]
        case Failure(problem=problem):
            return [f"{problem} While that is so, nothing will be changed."]
        case Webhook():
            out: list[str] = []
            if not found.enabled:
                out.append("The webhook is switched off there, and stays so.")
            if found.by_events:
                out.append("byEvents is on there, and stays so; the application answers 404 to it.")
            return out
