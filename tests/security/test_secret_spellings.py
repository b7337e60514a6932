"""What golive knows as a secret stays hidden, however it is written and whichever way it leaves."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from rich.table import Table
from rich.text import Text

from bot.cli.output import complain, say, show
from bot.demo.workspace.people import RELEASES
from bot.logs import configure_logging
from bot.render.message import TextFile
from bot.settings import Settings
from bot.slack.files import Files
from bot.storage import codec
from checks.diagnosis.units import CONNECTIONS, connections
from checks.engine import known_secrets
from checks.engine.known_secrets import forget, hide, know, spellings
from checks.engine.masking import mask, mask_bytes
from checks.engine.model import Json, Problem
from checks.sources.database import PostgresDatabase
from checks.sources.evolution import ServerSettings
from tests.bot.slack.hands import MemoryStore
from tests.bot.slack.rig import rigged
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.secrecy.planted import Kind, plant

SECRET = plant(Kind.PASSWORD, 'Zq81-planted-81/Wörd@x"y&z <9Kp2-tail-piece>')
UUID = plant(Kind.WEBHOOK, "9f4c1d2e-7a6b-4c3d-8e9f-0a1b2c3d4e5f")

WRITTEN: Final[dict[str, Callable[[str], str]]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "swapped case": str.swapcase,
    "percent": lambda s: quote(s, safe=""),
    "percent, but for slashes": quote,
    "percent, lower case": lambda s: quote(s, safe="").lower(),
    "percent, as encodeURIComponent": lambda s: quote(s, safe="!'()*~"),
    "percent, twice": lambda s: quote(quote(s, safe=""), safe=""),
    "percent, as golive asks for it in a URL": lambda s: re.sub(
        "[@/:?#% ]", lambda sign: quote(sign[0], safe=""), s
    ),
    "as a form": quote_plus,
    "JSON": lambda s: json.dumps(s)[1:-1],
    "JSON with its letters": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda s: json.dumps(json.dumps(s)[1:-1])[1:-1],
    "JSON with escaped slashes": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "repr": lambda s: repr(s)[1:-1],
    "HTML": html.escape,
    "as Slack has it": lambda s: html.escape(s, quote=False),
    "hex": lambda s: s.encode().hex(),
    "hex, upper case": lambda s: s.encode().hex().upper(),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for addresses": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 without its end": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
}


def pieces(written: str) -> set[str]:
    """All runs of 12 characters, in lower case."""
    low = written.lower()
    return {low[n : n + 12] for n in range(len(low) - 11)}


def leaks(shown: str, written: str) -> set[str]:
    """What of it is left."""
    low = shown.lower()
    return {piece for piece in pieces(written) if piece in low}


@pytest.mark.parametrize("secret", [SECRET, UUID], ids=["signs", "uuid"])
@pytest.mark.parametrize("spell", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_known_secret_is_hidden_however_it_is_written(
    secret: str, spell: Callable[[str], str]
) -> None:
    """Whether it is known to the process, or given with the text."""
    text = f"it failed: <{spell(secret)}>, again"
    assert leaks(mask(text, [secret]), spell(secret)) == set()
    know([secret])
    assert leaks(mask(text), spell(secret)) == set()
    assert mask(text).startswith("it failed: <")
    assert mask(text).endswith(">, again")
    assert mask(mask(text)) == mask(text)


KEY_LINES = [f"MIIJQwIBADANBgkqhkiG9wplanted{n:04}{n * 7919:08x}" for n in range(90)]


@pytest.mark.parametrize("spell", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_private_key_is_hidden_however_it_is_written(spell: Callable[[str], str]) -> None:
    """Of 4,096 bits, as PEM has it: whole, or a line of it by itself."""
    key = "\n".join(("-----BEGIN PRIVATE KEY-----", *KEY_LINES, "-----END PRIVATE KEY-----"))
    know([key])
    assert leaks(mask(f"it failed: <{spell(key)}>, again"), spell(key)) == set()
    assert mask(f"x {KEY_LINES[45]} y") == "x [MASKED] y"


@pytest.mark.parametrize("length", [1_000, 2_001, 4_001, 20_000, 2_000_000])
def test_a_secret_of_any_length_breaks_nothing(length: int) -> None:
    """Whoever may write a row chooses the length of a key; the others stay hidden."""
    long = "".join(f"{n:08x}" for n in range(length // 8 + 1))[:length]
    begun = time.perf_counter()
    know([long, SECRET])
    assert time.perf_counter() - begun < 5
    assert mask(f"x {long[:1_000]} and {SECRET} y") == "x [MASKED] and [MASKED] y"


@pytest.mark.parametrize("offset", range(6))
def test_base64_of_more_than_the_secret(offset: int) -> None:
    """Basic credentials, a whole URL: what surrounds it shifts all its letters."""
    know([SECRET])
    around = base64.b64encode(b"u" * offset + SECRET.encode() + b"@host").decode()
    shown = mask(f"Authorization {around}")
    clean = base64.b64encode(b"\0" * (offset % 3) + SECRET.encode()).decode()[4:-4]
    assert leaks(shown, clean) == set()


@pytest.mark.parametrize("cut", ["@", "/", ":", "?"])
def test_parts_of_a_secret(cut: str) -> None:
    """What a parser cuts out of it at a sign, when it is long enough to be told from a word."""
    know([f"planted17part{cut}short{cut}planted18part"])
    assert mask("planted17part@db and PLANTED18PART, short") == "[MASKED]@db and [MASKED], short"


def test_the_rest_of_a_url_is_no_secret() -> None:
    """Its scheme stands everywhere; its password does not."""
    know(["postgresql://crm:planted19pass@db.example.org:5432/crm"])
    assert mask("postgresql://x and planted19pass") == "postgresql://x and [MASKED]"


@given(
    secret=st.text(min_size=8, max_size=30),
    before=st.text(max_size=10),
    after=st.text(max_size=10),
    spell=st.sampled_from(list(WRITTEN.values())[3:]),
)
def test_no_spelling_stays(
    secret: str, before: str, after: str, spell: Callable[[str], str]
) -> None:
    """Of any secret."""
    try:
        written = spell(secret)
    except UnicodeEncodeError:
        return
    if not secret.isascii() and spell is WRITTEN["swapped case"]:
        return  # beyond ASCII a letter's other case may be several letters
    hidden = mask(f"{before}{written}{after}", [secret])
    assert written.lower() not in hidden.replace("[MASKED]", "\n\n").lower() or (
        written.lower() in "[masked]"
    )


def test_what_is_too_short_hides_no_words() -> None:
    """A password such as "golive" would hide the word, and be told by where that happens."""
    know(["golive", "a1", "p-1w5d", ""])
    assert mask("golive a1 p-1w5d") == "golive a1 [MASKED]"


# --- fast ---------------------------------------------------------------------------------------


def test_many_secrets_cost_a_line_little() -> None:
    """One pass for all: 400 secrets and more lines, in time linear in both."""
    secrets = [f"planted-{n:03}-{n * 7919:08x}-{n * 104729:08x}" for n in range(400)]
    know(secrets)
    line = b"[INFO] [RES] GET /leads { requestId: 'ab12', status: 200, duration: 77 }"
    once = took(lambda: [hide(line) for _ in range(2_000)])
    assert once < 0.2, once
    again = took(lambda: know(["planted-one-more-00"]))
    assert again < 0.1, again
    hostile = secrets[7].encode()[:-1]
    short, long = (
        min(took(lambda n=n: hide(hostile * n)) for _ in range(5)) for n in (2_000, 4_000)
    )
    assert long < 2.5 * short + 0.01, (short, long)


def took(work: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def test_threads_may_hide_at_once() -> None:
    """The log is read in threads while the bot posts."""
    know([SECRET])
    text = f"x {SECRET} y".encode() * 50
    wrong: list[bytes] = []

    def work() -> None:
        for n in range(200):
            if b"planted" in hide(text):
                wrong.append(text)
            know([f"planted-in-a-thread-{n:04}"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []


def test_forgetting() -> None:
    """A test's end: another test's words may be its secrets."""
    know([SECRET])
    forget()
    assert SECRET[:7] in mask(SECRET)
    assert known_secrets.hide(b"") == b""


# --- whose secrets ------------------------------------------------------------------------------

GIVEN = {
    "EVOLUTION_API_KEY": "planted-setting-evolution-01",
    "GOLIVE_LOKI_TOKEN": "planted-setting-loki-token-02",
    "SLACK_BOT_TOKEN": "xoxb-planted-setting-03",
    "SLACK_APP_TOKEN": "xapp-planted-setting-04",
    "SLACK_SIGNING_SECRET": "planted-setting-signing-05",
    "JWT_ACCESS_SECRET": "planted-setting-named-06",
    "GOLIVE_SECRETS": "JWT_ACCESS_SECRET",
    "GOLIVE_DATABASE_URL": "postgresql://u:planted-setting%2Freader-07@db/crm",
    "GOLIVE_STORE_URL": "host=db password='planted-setting store-08'",
    "GOLIVE_REMEDIATION_DATABASE_URL": "postgresql://u:planted-setting@fixer-09@db/crm",
    "GOLIVE_LOKI_URL": "https://planted-setting-user-10:planted-setting-loki-11@loki",
    "GOLIVE_LOKI_SELECTOR": "{app='crm'}",
    "EVOLUTION_API_URL": "https://planted-setting-user-12:planted-setting-evo-13@evolution",
    "BASE_URL": "https://u:planted-setting-base-14@crm.example.org",
    "GOLIVE_PING_URL": "https://ping.example.org/planted-setting-ping-15",
}


def test_every_setting_of_secret_kind_is_known() -> None:
    """Each by itself, passwords in URLs and strings decoded, and a broken URL's as well."""
    know(Settings.from_environment(GIVEN).hidden)
    for n, said in enumerate(
        [
            *(GIVEN[name] for name in list(GIVEN)[:6]),
            "planted-setting/reader-07",
            "planted-setting store-08",
            "planted-setting@fixer-09",
            "planted-setting-user-10",
            "planted-setting-loki-11",
            "planted-setting-user-12",
            "planted-setting-evo-13",
            "planted-setting-base-14",
            "planted-setting-ping-15",
        ]
    ):
        assert mask(f"x {said} y") == "x [MASKED] y", n


async def test_tenants_keys_and_webhook_secrets_are_known(roles: RoleUrls) -> None:
    """As soon as the database is asked for the live secrets, and by a diagnosis's own query."""
    key, secret = "planted-tenant-key-0001", "planted-tenant-webhook-0002"
    with Rows(roles.owner) as rows:
        rows.unit(
            "Norte",
            created_at=datetime.now(UTC),
            instance_id="norte",
            webhook_secret=secret,
            provider_config=Jsonb({"apiUrl": "https://e.example.org", "apiKey": key}),
        )
    text = f"key {key}, secret {secret}"
    async with PostgresDatabase(roles.reader) as database:
        assert secret in (await database.secrets()).values
        assert mask(text) == "key [MASKED], secret [MASKED]"
        forget()
        found = await database.collect([(CONNECTIONS, {"most_units": 5})])
    connections(found.results[CONNECTIONS.name].rows, ServerSettings())
    assert mask(text) == "key [MASKED], secret [MASKED]"


# --- whichever way ------------------------------------------------------------------------------


@pytest.fixture
def written() -> str:
    """A known secret in a spelling that no shape tells."""
    know([SECRET])
    return SECRET.encode().hex()


def test_stdout_and_stderr(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Results, also as JSON, and sentences about errors."""
    say(json.dumps({"why": SECRET, "also": written}))
    complain([f"It is {SECRET} or {written}."])
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"why": "[MASKED]", "also": "[MASKED]"}
    assert shown.err.split() == ["It", "is", "[MASKED]", "or", "[MASKED]."]


@pytest.mark.parametrize("cell", [str, Text], ids=["str", "Text"])
def test_a_table_is_folded_after_its_secrets_are_hidden(
    cell: Callable[[str], str | Text],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a secret that a narrow terminal breaks in two, neither half would be known again."""
    monkeypatch.setenv("COLUMNS", "40")
    secret = "folded-secret-abcdefghijkl-0123456789-mnopqrstu"
    know([secret])
    table = Table("what", "why")
    table.add_row("some words here", cell(f"it failed: {secret}"))
    show(table)
    out = capsys.readouterr().out
    assert "[MASKED]" in out
    assert leaks("".join(out.split()), secret) == set()
    assert "secret-abc" not in out


def test_the_log(written: str) -> None:
    """An event's words and values, and what a library says."""
    # Not planted: what a library says is heard before golive's own log hides it.
    library = "said-by-a-library-0082"
    know([library])
    out = io.StringIO()
    stderr, sys.stderr = sys.stderr, out
    try:
        configure_logging(logging.INFO)
        structlog.get_logger().info(f"it is {written}", why=[SECRET, {SECRET: written}])
        logging.getLogger("aiohttp").error("broke: %s", library.encode().hex())
    finally:
        sys.stderr = stderr
    assert "planted" not in out.getvalue()
    assert written not in out.getvalue()
    assert library.encode().hex() not in out.getvalue()
    assert out.getvalue().count("[MASKED]") == 5


def test_the_store(written: str) -> None:
    """Whatever is stored as a value or as text."""
    stored = codec.dumps(Problem(what=f"It is {SECRET}.", mend=written))
    assert codec.decoded(Problem, json.loads(stored)) == Problem(
        what="It is [MASKED].", mend="[MASKED]"
    )
    assert codec.as_text(f"x {written}") == "x [MASKED]"


async def test_slack(written: str) -> None:
    """Whatever is posted or answered, whoever made the words, and files."""
    text = f"why: {SECRET} {written}"
    block: dict[str, Json] = {"type": "section", "text": {"type": "plain_text", "text": text}}
    async with rigged(MemoryStore(), rate_limits=False) as rig:
        web, gateway = rig.side.gateway.web, rig.side.gateway
        await web.call("chat.postMessage", {"channel": RELEASES, "text": text, "blocks": [block]})
        file = TextFile(name="a.txt", title="a", text=text)
        await Files(web, gateway.pause).share_text(file, channel=RELEASES)
        await gateway.respond(f"{rig.workspace.api_url}api.test", {"text": text})
        sent = json.dumps([entry.body for entry in rig.workspace.journal.entries()])
    assert sent.count("why: [MASKED] [MASKED]") >= 3
    assert "planted-81" not in sent
    assert written not in sent


def test_bytes_of_any_kind() -> None:
    """Neither a secret nor a text needs to be text."""
    assert mask_bytes(b"\xff\x00secret\xfe-x\xff", [b"secret\xfe-x"]) == b"\xff\x00[MASKED]\xff"
    assert b"" not in spellings(b"\xff\xfe\xfd\xfc\xfb\xfa\xf9")
    with redirect_stdout(io.StringIO()) as out:
        say("\udcff stays")
    assert out.getvalue() == "\udcff stays\n"
