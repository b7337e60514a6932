"""The sentences that an hour is written in: one method an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from bot.demo.cast import Cast
from bot.demo.events import (
    Attempt,
    Campaign,
    CampaignCreated,
    CampaignFinished,
    CampaignSend,
    CampaignStarted,
    ConnectionChanged,
    CrossTenant,
    Echo,
    Event,
    Health,
    HungUp,
    Inbound,
    InboundFailed,
    Login,
    Outbound,
    Page,
    RateLimited,
    Refused,
    Requeued,
    Started,
    StatusChanged,
    UnitSend,
    UnknownInstance,
)
from bot.demo.world import Unit, User

PAGES = ("/conversations", "/leads", "/inbox", "/contacts", "/dashboard/stats?days=7")
SECONDS_A_SEND = 2
"""The pace of the application's campaign worker."""

_PROBE = "192.0.2.10"
_GIVEN_UP_AFTER = 3
_TIMEOUT = timedelta(seconds=15)


class Script:
    """Writes events into `events`, in any order; every instant is given by the caller."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.dice = cast.dice
        self.world = cast.world
        self.events: list[Event] = []

    # --- requests of people and of the platform ---------------------------------------------

    def started(self, at: datetime) -> None:
        """The process starts."""
        self.events.append(Started(at=at))

    def health(self, at: datetime, *, status: int = 200) -> None:
        """The platform's health probe."""
        self.events.append(
            Health(http=self.cast.http(at, "GET", "/health", 0.001, status, ip=_PROBE))
        )

    def login(self, at: datetime, *, status: int = 200) -> None:
        """Somebody logs in, or mistypes the password (401)."""
        http = self.cast.http(at, "POST", "/admin/login", 0.04, status)
        self.events.append(Login(http=http, email=self.cast.user().email))

    def page(
        self, at: datetime, *, status: int = 200, path: str | None = None, method: str = "GET"
    ) -> None:
        """Somebody looks at a page."""
        user = self.cast.user()
        http = self.cast.http(
            at, method, path or self.dice.rng.choice(PAGES), 0.02, status, user=user
        )
        self.events.append(Page(http=http, user=user))

    def refused(self, at: datetime, *, expired: bool = True) -> None:
        """A request without a valid token."""
        http = self.cast.http(at, "GET", self.dice.rng.choice(PAGES), 0.002, 401)
        why = "Invalid or expired token" if expired else "Missing authorization header"
        self.events.append(Refused(http=http, why=why))

    def cross_tenant(self, at: datetime, *, configure: bool = False) -> None:
        """Somebody of one unit reaches for another and is stopped."""
        user = self.cast.user()
        other = next(unit for unit in self.world.units if unit != user.unit)
        path = f"/units/{other.id}/whatsapp/connect"
        if not configure:
            path = f"/dashboard/stats?unitId={other.id}"
        http = self.cast.http(at, "POST" if configure else "GET", path, 0.006, 403, user=user)
        event = CrossTenant(http=http, user=user, requested=other, configure=configure)
        self.events.append(event)

    def rate_limited(self, at: datetime, *, webhook: bool = False) -> None:
        """A request over the limit."""
        if webhook:
            http = self.cast.webhook(at, self.cast.unit(), 429, ip="192.0.2.99")
        else:
            http = self.cast.http(at, "GET", "/inbox", 0.001, 429, ip="192.0.2.77")
        self.events.append(RateLimited(http=http))

    def hung_up(self, at: datetime) -> None:
        """A client that does not wait for its answer."""
        user = self.cast.user()
        http = replace(self.cast.http(at, "GET", "/dashboard/stats?days=90", 0, 200), status=None)
        self.events.append(HungUp(http=http, user=user))

    # --- webhooks ---------------------------------------------------------------------------

    def inbound(self, at: datetime, unit: Unit, *, new: bool = False) -> None:
        """A customer writes."""
        talk = self.dice.conversation(unit) if new else self.cast.talk(unit)
        self.events.append(
            Inbound(
                http=self.cast.webhook(at, unit),
                conversation=talk,
                message=self.dice.uuid(),
                external_id=self.dice.external_id(),
                text="oi, quero saber o preco",
                new=new,
            )
        )

    def echo(self, at: datetime, unit: Unit) -> None:
        """Evolution reports a message that the application sent itself."""
        self.events.append(Echo(http=self.cast.webhook(at, unit), unit=unit))

    def inbound_failed(self, at: datetime, unit: Unit, *, error: str | None = None) -> None:
        """A customer's message is lost behind HTTP 200."""
        lost = InboundFailed(http=self.cast.webhook(at, unit), unit=unit)
        self.events.append(lost if error is None else replace(lost, error=error))

    def status(self, at: datetime, sent: Outbound, status: Literal["delivered", "read"]) -> None:
        """WhatsApp says what became of a sent message."""
        if sent.external_id is None:
            raise ValueError("A message that was never sent has no provider id to report about.")
        unit = sent.conversation.unit
        http = self.cast.webhook(at, unit)
        self.events.append(
            StatusChanged(http=http, unit=unit, external_id=sent.external_id, status=status)
        )

    def connection(
        self, at: datetime, unit: Unit, status: Literal["connected", "disconnected", "qr"]
    ) -> None:
        """A unit's connection changes."""
        http = self.cast.webhook(at, unit)
        self.events.append(ConnectionChanged(http=http, unit=unit, status=status))

    def unknown_instance(self, at: datetime) -> None:
        """A webhook of an instance that belongs to no unit."""
        http = self.cast.webhook(at, self.cast.unit())
        stale = replace(http, raw=f"/webhooks/whatsapp/evolution/{self.dice.hex(64)}")
        instance = f"unit_velho{self.dice.rng.randrange(10)}"
        self.events.append(UnknownInstance(http=stale, instance=instance))

    # --- sending ----------------------------------------------------------------------------

    def outbound(self, at: datetime, unit: Unit, errors: tuple[str, ...] = ()) -> Outbound:
        """An agent answers; `errors` are those of the attempts before the one that works.

        Three errors are all that the application tries: it gives up and answers 502.
        """
        talk, user = self.cast.talk(unit), self.cast.user(unit)
        attempts, end = self._attempts(at, errors)
        sent = len(errors) < _GIVEN_UP_AFTER
        seconds = (end - at).total_seconds() + 0.004
        http = self.cast.http(at, "POST", "/messages", seconds, 200 if sent else 502, user=user)
        event = Outbound(
            http=replace(http, seconds=seconds),
            user=user,
            conversation=talk,
            message=self.dice.uuid(),
            log_id=self.dice.uuid(),
            text=f"Ola! pedido {self.dice.rng.randrange(10_000)}",
            attempts=attempts,
            external_id=self.dice.external_id() if sent else None,
        )
        self.events.append(event)
        return event

    def _attempts(
        self, at: datetime, errors: tuple[str, ...]
    ) -> tuple[tuple[Attempt, ...], datetime]:
        attempts: list[Attempt] = []
        outcomes: tuple[str | None, ...] = errors[:_GIVEN_UP_AFTER]
        if len(outcomes) < _GIVEN_UP_AFTER:
            outcomes = (*outcomes, None)
        for number, error in enumerate(outcomes):
            slow = error is not None and error.startswith("timeout")
            at += timedelta(seconds=number) + (_TIMEOUT if slow else self.dice.between(0.01, 0.05))
            attempts.append(Attempt(at=at, error=error))
        return tuple(attempts), at

    def unit_send(self, at: datetime, unit: Unit, *, upstream: int = 500) -> None:
        """A test message of a unit fails, and the error is printed whole."""
        user = self.cast.user(unit)
        path = f"/units/{unit.id}/whatsapp/send"
        self.events.append(
            UnitSend(
                http=self.cast.http(at, "POST", path, 0.06, 500, user=user),
                user=user,
                phone=self.dice.phone(),
                text="teste",
                upstream=upstream,
                apikey=self.world.apikey,
                evolution=self.world.evolution,
            )
        )

    def requeued(self, at: datetime, messages: tuple[Outbound, ...]) -> None:
        """The requeue worker takes failed messages and marks them sent."""
        self.events.append(Requeued(at=at, messages=messages))

    # --- campaigns --------------------------------------------------------------------------

    def campaign(
        self, at: datetime, unit: Unit, *, size: int, errors: tuple[str | None, ...]
    ) -> Campaign:
        """A campaign of `size` recipients, dispatched 30 s after it was made.

        errors: the outcome of each send, None for a success. With fewer outcomes than recipients
            the worker dies after the last one, and the rest stays pending.
        """
        talks = self.dice.rng.sample(self.cast.talks(unit), size)
        campaign = Campaign(
            id=self.dice.uuid(),
            unit=unit,
            name=f"Promo {unit.slug}",
            recipients=tuple((self.dice.uuid(), talk) for talk in talks),
        )
        user = self.cast.user(unit)
        made = self.cast.http(at, "POST", "/api/campaigns", 0.015, 201, user=user)
        self.events.append(CampaignCreated(http=made, user=user, campaign=campaign))
        self.dispatch(at + timedelta(seconds=30), user, campaign, errors)
        return campaign

    def dispatch(
        self, at: datetime, user: User, campaign: Campaign, errors: tuple[str | None, ...]
    ) -> None:
        """The worker takes a campaign's recipients, one every two seconds."""
        path = f"/api/campaigns/{campaign.id}/dispatch"
        started = self.cast.http(at, "POST", path, 0.01, 200, user=user)
        self.events.append(CampaignStarted(http=started, user=user, campaign=campaign))
        for number, ((recipient, _), error) in enumerate(
            zip(campaign.recipients, errors, strict=False), start=1
        ):
            sent_at = at + timedelta(seconds=SECONDS_A_SEND * number)
            self.events.append(CampaignSend(at=sent_at, recipient=recipient, error=error))
        size = len(campaign.recipients)
        if len(errors) >= size:
            failed = sum(error is not None for error in errors)
            end = at + timedelta(seconds=SECONDS_A_SEND * (size + 1))
            self.events.append(
                CampaignFinished(at=end, campaign=campaign, sent=size - failed, failed=failed)
            )
