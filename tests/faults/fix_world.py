"""A world with something to fix: messages that failed, webhooks in Evolution, a command to run."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bot.demo.evolution import EvolutionStandIn
from checks.diagnosis.webhooks import ROUTE
from tests.faults.books import write_book
from tests.faults.opening import open_world
from tests.faults.truth import Row, rows
from tests.faults.witness import Witness
from tests.faults.world import T0, Ground, World
from tests.manifests.roles import RoleUrls, install
from tests.support.crm_rows import Rows, Unit

SPEED = 30.0
"""A minute's lease of a fix is two real seconds: longer than a fix takes, short enough to wait."""

MESSAGES = 5
"""So many failed messages are reset at a time."""

_ERROR = "socket hang up"
_COMMAND = "echo began >> {file}; sleep 0.3; echo ended >> {file}"
_CLAIMS = "SELECT * FROM golive.fix_claims ORDER BY proposed_at"
_AUDIT = "SELECT claim_id, action, target FROM golive.fix_audit ORDER BY seq"
_UNIT = """
    SELECT w.id, w.webhook_secret, w.instance_id FROM unit_whatsapp_connections w
    WHERE w.unit_id = %(unit)s
"""
_STATES = "SELECT id, status FROM messages WHERE id = ANY(%(ids)s)"


@dataclass(slots=True, kw_only=True)
class FixWorld:
    """A world whose bots may fix things.

    names:    of the units, all served by Evolution
    planted:  ids of every message that failed so far
    ran:      the file that each run of the rollback's command appends a line to
    """

    world: World
    roles: RoleUrls
    evolution: EvolutionStandIn
    witness: Witness
    ran: Path
    units: dict[str, Unit] = field(default_factory=dict[str, Unit])
    planted: list[UUID] = field(default_factory=list[UUID])
    _talks: dict[str, UUID] = field(default_factory=dict[str, UUID])

    def begin(self) -> None:
        """Make the units, with their webhooks set in Evolution."""
        with Rows(self.world.database) as table:
            for name in ("Norte", "Sul"):
                unit = table.unit(name, created_at=T0 - timedelta(days=30))
                self.units[name] = unit
                self._talks[name] = table.conversation(unit, created_at=T0 - timedelta(days=1))
        for name in self.units:
            row = self.connection(name)
            url = f"{self.world.health.base_url}{ROUTE}/{row['webhook_secret']}"
            self.evolution.add(row["instance_id"], webhook_url=url)
        self.witness.begin()

    def plant(self, name: str) -> list[UUID]:
        """A few more messages of a unit have failed; their ids."""
        now = self.world.clock.now()
        with Rows(self.world.database) as table:
            ids = [
                table.message(
                    self._talks[name],
                    created_at=now - timedelta(minutes=5, seconds=number),
                    status="failed",
                    retry_count=3,
                    last_retry_at=now - timedelta(minutes=1),
                    error_details=_ERROR,
                    external_id=None,
                )
                for number in range(MESSAGES)
            ]
        self.planted += ids
        return ids

    # --- what is so -----------------------------------------------------------------------------

    def claims(self, kind: str | None = None) -> list[Row]:
        """All claims, or those of a kind, oldest first."""
        found = rows(self.roles.owner, _CLAIMS)
        return [row for row in found if kind in (None, row["kind"])]

    def claim(self, claim_id: str) -> Row | None:
        """One claim."""
        return next((row for row in self.claims() if str(row["id"]) == claim_id), None)

    @property
    def audit(self) -> list[Row]:
        """Claim, action and target of every entry."""
        return rows(self.roles.owner, _AUDIT)

    def connection(self, name: str) -> Row:
        """The connection of a unit."""
        (row,) = rows(self.roles.owner, _UNIT, {"unit": self.units[name].id})
        return row

    def statuses(self, ids: Sequence[UUID]) -> list[str]:
        """What became of some messages."""
        return [row["status"] for row in rows(self.roles.owner, _STATES, {"ids": list(ids)})]

    def told(self, name: str) -> list[str]:
        """Every secret that Evolution was told for a unit and took, oldest first."""
        path = f"/webhook/set/{self.connection(name)['instance_id']}"
        bodies: list[dict[str, Any]] = [
            json.loads(request.body)
            for request in self.evolution.journal
            if request.path == path and request.method == "POST"
        ]
        return [str(body["webhook"]["url"]).rpartition("/")[2] for body in bodies]

    def kept(self, name: str) -> str:
        """The secret that Evolution has for a unit."""
        webhook = self.evolution.instances[self.connection(name)["instance_id"]].webhook
        return "" if webhook is None else webhook.url.rpartition("/")[2]

    @property
    def runs(self) -> int:
        """How often the rollback's command began."""
        return self.ran.read_text(encoding="ascii").count("began") if self.ran.exists() else 0


@asynccontextmanager
async def open_fix_world(ground: Ground, folder: Path) -> AsyncGenerator[FixWorld, None]:
    """A quiet hour, whose bots have the role for fixes, an Evolution and a command."""
    ran = folder / "ran.txt"
    command = _COMMAND.format(file=ran)
    book = write_book(
        folder / "runbook.yaml",
        {
            "    # command: [railway, rollback, --yes]": f"    command: [/bin/sh, -c, '{command}']",
            "timeout: 10m  # golive: a platform's rollback": "timeout: 30s  # golive: a platform's",
        },
    )
    async with (
        EvolutionStandIn() as evolution,
        open_world(ground, folder, speed=SPEED, quiet=True) as world,
    ):
        roles = install(world.database)
        world.book = book
        world.settings |= {
            "database_url": roles.reader,
            "remediation_database_url": roles.fixer,
            "evolution_api_url": evolution.url,
            "evolution_api_key": evolution.key,
        }
        fixes = FixWorld(
            world=world,
            roles=roles,
            evolution=evolution,
            witness=Witness(roles.owner),
            ran=ran,
        )
        fixes.begin()
        yield fixes
