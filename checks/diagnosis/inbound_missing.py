"""Incident 2: inbound messages do not arrive."""

from __future__ import annotations

from checks.diagnosis.facts import NEEDED_EVENTS, BaseFacts, Facts
from checks.diagnosis.model import (
    Fix,
    FixKind,
    Incident,
    Outcome,
    Probe,
    Procedure,
    Suspect,
    clear,
    holds,
    manual,
    untested,
)
from checks.diagnosis.suspects import INSTANCE, REJECTED
from checks.diagnosis.webhooks import ELSEWHERE, SECRET, settings_suspect
from checks.engine.absence import silence
from checks.engine.model import Problem
from checks.engine.wording import plural

_SOON = 14  # days before its end in which a certificate is worth a word
_LATELY = 3  # minutes in which a webhook in the log says more than a probe that was refused
_OUTBOUND = ("send_ok", "send_attempt_failed", "send_given_up", "retry")
_NOT_ASKED = Problem(what="It was not asked.", mend="Give BASE_URL, and diagnose again.")


def _certificate(facts: Facts) -> Outcome:
    """Whether the certificate at BASE_URL is valid, and for how many days still."""
    base, found = facts.base, facts.certificate
    if isinstance(base, Problem):
        return untested(base)
    if not base.https:
        return _without_tls(base)
    if found is None or found.problem is not None:
        return untested((found and found.problem) or _NOT_ASKED)
    if found.invalid is not None:
        return holds(
            f"the certificate of {base.shown} is not valid: {found.invalid}.",
            manual("Renew the certificate, with its whole chain and the right host name."),
        )
    if found.expires is None:
        return untested(_NOT_ASKED)
    days = (found.expires - facts.evidence.now).days
    soon = " Renew it soon." if days < _SOON else ""
    return clear(f"The certificate is valid for {plural(days, 'more day', 'more days')}.{soon}")


def _without_tls(base: BaseFacts) -> Outcome:
    if base.loopback:
        return clear("BASE_URL is an http address of this machine: no certificate is used.")
    return holds(
        f"{base.shown} is not https.",
        manual("Put a certificate in front of the application, and begin BASE_URL with https."),
    )


def _route(facts: Facts) -> Outcome:
    """Whether the webhook route answers a test event with 200: the route, not the secret."""
    event = facts.event
    if isinstance(facts.base, Problem) or event is None:
        return untested(facts.base if isinstance(facts.base, Problem) else _NOT_ASKED)
    step = "Check the reverse proxy and the route /webhooks/whatsapp/evolution of the application."
    if event.refused and not facts.lately("webhooks", _LATELY):
        return holds(
            f"nothing listens at {facts.base.shown}: the connection was refused.", manual(step)
        )
    if event.problem is not None or event.status == 429:
        return untested(event.problem or _LIMITED)
    if event.status != 200:
        return holds(f"the test event was answered with {event.status}, not 200.", manual(step))
    return clear(
        "The test event was answered with 200. That proves the route, not the secret.",
        (f"It was sent as instance {event.name}, which the log calls unknown.",),
    )


def _processing(facts: Facts) -> Outcome:
    """Whether messages arrive and fail behind HTTP 200, by the log."""
    view = facts.view
    problem = view.log_unknown("inbound_created", "inbound_failed") or silence(view)
    if problem is not None:
        return untested(problem)
    created, failed = view.count("inbound_created"), view.count("inbound_failed")
    enough = facts.rules["inbound_flow"].bound("none_created")  # fewer may have a cause each
    if failed and not created and (enough is None or enough.holds(failed)):
        return holds(
            f"every one of {plural(failed, 'inbound message')} failed while it was processed, "
            "behind HTTP 200.",
            Fix(
                kind=FixKind.ROLLBACK,
                step="Roll back: the release loses every inbound message. Or run its migrations, "
                "if those were forgotten.",
            ),
            view.lines("inbound_failed"),
        )
    if failed:
        return holds(
            f"{failed} of {plural(created + failed, 'inbound message')} failed while processed, "
            "behind HTTP 200.",
            manual("Look up the processing errors in the log; the messages must be sent again."),
            view.lines("inbound_failed"),
        )
    return clear(f"{plural(created, 'inbound message')} stored, none failed.")


def _dropped(facts: Facts) -> Outcome:
    """Whether messages arrive and are dropped, where those cannot be echoes of what was sent."""
    view = facts.view
    problem = view.log_unknown("inbound_created", "inbound_dropped", *_OUTBOUND) or silence(view)
    if problem is not None:
        return untested(problem)
    created, dropped = view.count("inbound_created"), view.count("inbound_dropped")
    outbound = sum(view.count(signal) for signal in _OUTBOUND)
    many = facts.rules["inbound_flow"].bound("dropped_only")  # fewer may be echoes
    if many is not None and many.holds(dropped) and not created and not outbound:
        return holds(
            f"{plural(dropped, 'message')} dropped and none stored, while nothing was sent.",
            manual(
                "Send one message by hand and compare what Evolution delivers with what the "
                "application expects: its version may have another format."
            ),
            view.lines("inbound_dropped"),
        )
    return clear(
        f"{dropped} dropped, {created} stored, {outbound} outbound events: own echoes explain it."
        if dropped
        else "None was dropped."
    )


_LIMITED = Problem(
    what="The test event was refused with 429: the application limits webhooks at the moment.",
    mend="Wait a minute, and diagnose again.",
)

PROCEDURE = Procedure(
    incident=Incident.INBOUND_MISSING,
    title="Inbound messages not arriving",
    suspects=(
        settings_suspect(NEEDED_EVENTS),
        ELSEWHERE,
        SECRET,
        INSTANCE,
        Suspect(id="certificate", title="HTTPS certificate of BASE_URL", examine=_certificate),
        Suspect(id="route", title="Webhook route does not answer", examine=_route),
        REJECTED,
        Suspect(id="processing_failed", title="Messages arrive and fail", examine=_processing),
        Suspect(id="dropped", title="Messages arrive and are dropped", examine=_dropped),
    ),
    signals=(
        "webhooks",
        "unknown_instance",
        "inbound_created",
        "inbound_failed",
        "inbound_dropped",
        *_OUTBOUND,
    ),
    probes=frozenset({Probe.CERTIFICATE, Probe.TEST_EVENT, Probe.EVOLUTION}),
    checks=("inbound_flow",),
)
