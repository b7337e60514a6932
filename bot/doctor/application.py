"""The application's public address: encrypted, answering, with a certificate that lasts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bot.doctor.model import Line, failed, ok, warning
from checks.diagnosis.application import Application
from checks.diagnosis.facts import BaseFacts
from checks.engine.model import Problem
from checks.engine.wording import plural
from checks.sources.http import HealthProbe

RENEW: Final = timedelta(days=14)
_HTTP_OK: Final = 200


async def look_at_application(
    application: Application, health: HealthProbe, now: datetime
) -> list[Line]:
    """Ask the address for its health, and look at its certificate.

    Args:
        application: the address, as a diagnosis asks it.
        health: asks for /health.
        now: the instant of the test.
    """
    base = application.base
    if isinstance(base, Problem):
        return [failed(base.what, base.mend)]
    lines = [_scheme(base), await _health(health)]
    if base.https:
        lines.append(await _certificate(application, now))
    return lines


def _scheme(base: BaseFacts) -> Line:
    if base.https:
        return ok("BASE_URL begins with https://.")
    what = "BASE_URL begins with http://: Evolution must reach the application over HTTPS."
    mend = "Set BASE_URL to the public https:// address of the application."
    return warning(what, mend) if base.loopback else failed(what, mend)


async def _health(health: HealthProbe) -> Line:
    found = await health.probe()
    if found.problem is not None:
        return failed(found.problem.what, found.problem.mend)
    last = found.tries[-1]
    if last.status == _HTTP_OK:
        return ok(f"{found.url} answers 200 in {last.seconds * 1000:.0f} ms.")
    remark = f" ({last.error})" if last.error else ""
    return failed(
        f"{found.url} answers {last.status}{remark}.",
        "Check that BASE_URL is the application's own address, and the application's log.",
    )


async def _certificate(application: Application, now: datetime) -> Line:
    found = await application.certificate()
    if found.invalid:
        return failed(
            f"The certificate is not valid: {found.invalid}.",
            "Renew it, and send its whole chain: Evolution does not deliver to an address that it"
            " cannot verify.",
        )
    if found.expires is None:
        why = found.problem or Problem(what="The certificate could not be read.", mend="")
        return warning(why.what, why.mend)
    left = found.expires - now
    days = plural(max(0, left.days), "day")
    if left <= RENEW:
        return warning(f"The certificate ends in {days}.", "Renew it.")
    return ok(f"The certificate is valid for {days}.")
