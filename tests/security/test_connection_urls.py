"""Connection URLs that libpq would misread: refused by name, with the mend and no part of them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bot.arguments import UsageError, base_url
from bot.remediation.database import FixDatabase
from bot.remediation.values import FixUnavailable
from bot.settings import Settings, SettingsError
from bot.sources import unusable_urls
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from checks.sources.database import PostgresDatabase
from checks.sources.database.connection import conninfo
from checks.sources.database.url import passwords_in, target_of
from checks.sources.evolution import Server, ServerSettings, server_of
from checks.sources.http import HttpHealthProbe
from checks.sources.loki.address import loki_of
from tests.support.database_questions import ONE, ask, problem
from tests.support.secrecy.planted import Kind, plant

FRONT, BACK = "Xq7planted11Front", "Zk9planted22Behind"
SIGNS = {"@": "%40", "/": "%2F", ":": "%3A", "?": "%3F", "#": "%23", "%": "%25", " ": "%20"}
SETTINGS = ("GOLIVE_DATABASE_URL", "GOLIVE_REMEDIATION_DATABASE_URL", "GOLIVE_STORE_URL")

for word in (FRONT, BACK):
    plant(Kind.PASSWORD, word)


def broken(sign: str, front: str = FRONT, back: str = BACK) -> str:
    """A URL whose password holds a sign as it is. Nothing listens at its port."""
    return f"postgresql://crm:{front}{sign}{back}@127.0.0.1:1/crm?connect_timeout=2"


URLS = {
    **{f"with {sign!r}": broken(sign) for sign in SIGNS},
    "with a slash behind digits": broken("/", front="5432"),
    "with a question mark and an equals sign": broken(f"?{FRONT}="),
    "with two @": broken("@@"),
    "with @ and /": broken(f"@{FRONT}/"),
    "with a line break": broken("\n"),
    "with a % that hex digits follow": broken("%BE"),
    "with an escaped NUL": broken("%00"),
    "with an @ at the end": broken("x", back="@"),
    "with a bracket behind an @": broken("@["),
    "with an ampersand in the query": f"postgresql:///crm?password=p&{FRONT}{BACK}&host=127.0.0.1",
    "with & and = in the query": f"postgresql:///crm?host=127.0.0.1&password=p&{FRONT}={BACK}",
    "with & in a key's password": f"postgresql://crm@127.0.0.1/crm?sslpassword=p&{FRONT}{BACK}",
    "without a host": f"postgresql://crm:{FRONT}{BACK}/crm",
    "by the short scheme": broken("@").replace("postgresql:", "postgres:"),
    "by another scheme": broken("@").replace("postgresql:", "jdbc:postgresql:"),
    "without a scheme": broken("@").removeprefix("postgresql://"),
    "as a string with a blank": f"host=127.0.0.1 port=1 password={FRONT} {BACK} dbname=crm",
}


def free_of_parts(text: str) -> None:
    """Nothing of the password is there, in either case, nor a piece of it."""
    for word in (FRONT, BACK):
        for piece in (word[:8], word[-8:]):
            assert piece.lower() not in text.lower(), text


@pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())
async def test_no_part_of_a_password_is_shown(url: str) -> None:
    """By the checks, the fixes and the store: refused before libpq looks for a host in it."""
    said = problem(await ask(url, ONE))
    assert "GOLIVE_DATABASE_URL" in said
    assert "not valid" in said
    assert "%40" in said
    assert "%2F" in said
    free_of_parts(said)
    with pytest.raises(StoreUnavailable) as store:
        await Store(url).open()
    with pytest.raises(FixUnavailable) as fixes:
        async with FixDatabase(
            url, lock=timedelta(seconds=1), statement=timedelta(seconds=1)
        ).transaction():
            pass
    for raised, setting in ((store, SETTINGS[2]), (fixes, SETTINGS[1])):
        assert setting in str(raised.value)
        assert "%40" in str(raised.value)
        free_of_parts(str(raised.value))
    with pytest.raises(psycopg.Error) as refused:
        conninfo(url, 2)
    free_of_parts(str(refused.value))
    free_of_parts(repr(target_of(url)))


@pytest.mark.parametrize(
    "url", ["postgresql://crm:71284493017/crm", "host=db.example.org port=5432,71284493017"]
)
def test_no_number_is_a_port_that_is_none(url: str) -> None:
    """Of a URL without an @ it may be the password."""
    found = target_of(url)
    assert found.problem is not None
    assert "71284493017" not in f"{found}"


@pytest.mark.parametrize("command", ["check", "doctor", "run"])
def test_no_command_shows_a_part(command: str) -> None:
    """Neither on stdout nor on stderr; each setting is named with its mend."""
    environment = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "400",
        **{name: broken(sign) for name, sign in zip(SETTINGS, "@/?", strict=True)},
        "SLACK_BOT_TOKEN": "xoxb-planted-token-0001",
        "SLACK_APP_TOKEN": "xapp-planted-token-0002",
        "SLACK_API_URL": "http://127.0.0.1:1/",
        "GOLIVE_CHANNEL": "C0123456789",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "bot", command],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = ended.stdout + ended.stderr
    free_of_parts(said)
    assert "%40" in said
    for name in SETTINGS[:1] if command == "check" else SETTINGS:
        assert name in said
    assert ended.returncode == {"check": 3, "doctor": 1, "run": 64}[command]


@given(password=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_a_password_is_read_whole_or_refused(password: str) -> None:
    """Whatever its signs are: libpq sees the password that was meant, or nothing at all."""
    url = f"postgresql://crm:{password}@127.0.0.1:1/crm"
    assert password in passwords_in(url) or "%" in password
    if target_of(url).valid:
        read = conninfo_to_dict(conninfo(url, 2))
        assert (read["host"], read["port"], read["dbname"]) == ("127.0.0.1", "1", "crm")
        assert read["password"] in passwords_in(url)


@given(password=st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_an_escaped_password_works(password: str) -> None:
    """Written as the mend says, every password goes through as it is."""
    url = f"postgresql://crm:{quote(password, safe='')}@127.0.0.1:1/crm"
    assert target_of(url).valid
    assert conninfo_to_dict(conninfo(url, 2))["password"] == password
    assert passwords_in(url) == (password,)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("pgbouncer=true", ["pgbouncer"]),
        ("pgbouncer=true&connection_limit=1", ["pgbouncer", "connection_limit"]),
        ("schema=crm", ["schema"]),
        ("sslmode=require&pool_timeout=0", ["pool_timeout"]),
        ("sslaccept=strict", ["sslaccept"]),
        ("workaround=supabase-pooler.vercel", ["workaround"]),
    ],
)
async def test_parameters_of_other_clients_are_named(query: str, names: list[str]) -> None:
    """As Supabase and Prisma hand them out: by name, with what to do."""
    url = f"postgresql://crm:{FRONT}@127.0.0.1:1/crm?{query}"
    said = problem(await ask(url, ONE))
    assert f"{', '.join(names)}. Take {', '.join(names)} out of GOLIVE_DATABASE_URL" in said
    assert "schema=" not in said
    free_of_parts(said)
    if names == ["schema"]:
        assert "search_path" in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://crm:{}@127.0.0.1:1/crm?ssl=true",
        "postgresql://crm.project:{}@127.0.0.1:1/crm?application_name=golive&options=-csearch_path",
        "postgresql://crm:{}@[::1]:1/crm",
        "postgresql://crm:{}@127.0.0.1:1,127.0.0.2:2/crm?target_session_attrs=read-write",
        "postgresql://crm:{}@/crm?host=/var/run/postgresql",
        "postgresql:///crm?password={}&host=127.0.0.1",
        "host=127.0.0.1 port=1 dbname=crm password='{}'",
        "postgresql://crm:{}@127.0.0.1,127.0.0.2/crm",
    ],
)
def test_what_libpq_knows_is_left_to_it(url: str) -> None:
    """Good URLs and strings go on to work."""
    filled = url.format(FRONT)
    assert target_of(filled).valid
    assert conninfo_to_dict(conninfo(filled, 2))["password"] == FRONT
    assert passwords_in(filled) == (FRONT,)


@pytest.mark.parametrize(
    ("url", "word"), [("sslmode=no-verify", "sslmode"), ("service=crm", "service")]
)
def test_what_cannot_be_judged_is_refused(url: str, word: str) -> None:
    """An sslmode that there is none of; a service file that golive does not read."""
    found = target_of(f"postgresql://crm:{FRONT}@db.example.org/crm?{url}").problem
    assert found is not None
    assert word in found.what
    assert "GOLIVE_DATABASE_URL" in found.mend


def test_the_bot_does_not_start_with_such_a_url() -> None:
    """All settings at once, each by its own name."""
    settings = Settings.from_environment(
        {name: broken(sign) for name, sign in zip(SETTINGS, "@/:", strict=True)}
    )
    said = unusable_urls(settings)
    assert [name for name in SETTINGS for one in said if name in one] == list(SETTINGS)
    free_of_parts(" ".join(said))
    good = Settings.from_environment(dict.fromkeys(SETTINGS, "postgresql://a:b@127.0.0.1/c"))
    assert unusable_urls(good) == ()


async def test_what_the_mend_says_connects(crm_database: str) -> None:
    """A role whose password holds every sign: refused as it is, let in as the mend says."""
    password = f"{FRONT}{''.join(SIGNS)}{BACK}"
    with psycopg.connect(crm_database, autocommit=True) as owner:
        owner.execute("CREATE ROLE signs LOGIN")
        owner.execute(sql.SQL("ALTER ROLE signs PASSWORD {}").format(sql.Literal(password)))
        place = crm_database.partition("@")[2]
        try:
            said = problem(await ask(f"postgresql://signs:{password}@{place}", ONE))
            free_of_parts(said)
            url = f"postgresql://signs:{quote(password, safe='')}@{place}"
            async with PostgresDatabase(url) as database:
                evidence = await database.collect([(ONE, {})])
            assert evidence.problem is None
        finally:
            owner.execute("DROP ROLE signs")


def test_a_key_s_password_is_a_password() -> None:
    """As a string has it, too."""
    assert passwords_in(f"host=db sslpassword={FRONT} password={BACK}") == (FRONT, BACK)


ADDRESSES = {
    "with @ and /": f"https://crm:p@{FRONT}/{BACK}@127.0.0.1:1",
    "with /": f"https://crm:{FRONT}/{BACK}@127.0.0.1:1",
    "with digits before a /": f"https://crm:12/{FRONT}{BACK}@127.0.0.1:1",
    "with #": f"https://crm:p#{FRONT}{BACK}@127.0.0.1:1",
    "with two @": f"https://crm:p@{FRONT}@{BACK}@127.0.0.1:1",
    "with a backslash": f"https://crm:p@{FRONT}\\{BACK}@127.0.0.1:1",
}
"""Of services, with passwords that would be taken for the host."""


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
async def test_no_part_of_an_address_s_password_is_shown(address: str) -> None:
    """Refused by each setting and each row, before a host is looked for in it."""
    names = ("BASE_URL", "EVOLUTION_API_URL", "GOLIVE_LOKI_URL")
    with pytest.raises(SettingsError) as settings:
        Settings.from_environment(dict.fromkeys(names, address))
    with pytest.raises(UsageError) as option:
        base_url(address)
    rows = [
        server_of(ServerSettings(url=address, key="k"), ServerSettings(hosts=hosts))
        for hosts in ((), ("evolution",))
    ]
    told = (
        *settings.value.errors,
        *option.value.errors,
        str(loki_of(address, "{app='crm'}")),
        str((await HttpHealthProbe(address).probe()).problem),
        *map(str, rows),
    )
    assert len(told) == 8
    for one in told:
        assert "%40" in one
        free_of_parts(one)


@pytest.mark.parametrize(
    "address", [f"https://crm:{FRONT}%40{BACK}@crm.example.org/a", "https://crm.example.org/%40a"]
)
def test_an_escaped_address_is_taken(address: str) -> None:
    """As the sentence says."""
    assert Settings.from_environment({"BASE_URL": address}).base_url == address
    assert isinstance(server_of(ServerSettings(url=address, key="k"), ServerSettings()), Server)
