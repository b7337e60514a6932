"""What the tests of the Evolution client share: planted secrets, short words, quick timeouts."""

from __future__ import annotations

from checks.sources.evolution import Failure, FailureKind, Server, ServerSettings, server_of
from checks.sources.http import Timeouts

KEY = "planted-evolution-key-0001"
SECRET = "planted-webhook-secret-0002"
PASSWORD = "planted-password-0003"
WEBHOOK = f"https://crm.example.com/webhooks/whatsapp/evolution/{SECRET}"
QUICK = Timeouts(connect=0.5, write=0.5, read=0.1, whole=0.3)


def server(url: str, key: str = KEY) -> Server:
    """A server that can be asked."""
    found = server_of(ServerSettings(url=url, key=key), ServerSettings())
    assert isinstance(found, Server)
    return found


def failed(answer: object, kind: FailureKind) -> Failure:
    """The failure that an answer must be, of this kind, without any planted secret."""
    assert isinstance(answer, Failure), answer
    assert answer.kind is kind, answer
    for secret in (KEY, SECRET, PASSWORD):
        assert secret not in repr(answer)
    assert answer.problem.what.endswith(".")
    assert answer.problem.mend.endswith(".")
    return answer
