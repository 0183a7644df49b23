"""BOT_DATABASE_URL: what is translated for asyncpg, what is refused, and that no refusal shows a password."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.database_url import check, postgresql


@pytest.mark.parametrize(
    ("rest", "arguments"),
    [
        ("bot:x@db:5433/bot", {"user": "bot", "password": "x", "host": "db", "port": 5433, "database": "bot"}),
        ("b%40t:p%40ss%2Fw%3Ard@db/bot", {"user": "b@t", "password": "p@ss/w:rd", "host": "db", "database": "bot"}),
        (
            "bot@tenant:p:w/x?y#z@db/bot",
            {"user": "bot@tenant", "password": "p:w/x?y#z", "host": "db", "database": "bot"},
        ),
        ("", {}),
        ("bot@/bot?host=/run/postgresql", {"user": "bot", "host": "/run/postgresql", "database": "bot"}),
        ("%2Frun%2Fpostgresql/bot", {"host": "/run/postgresql", "database": "bot"}),
        ("[::1]:5433/bot", {"host": "::1", "port": 5433, "database": "bot"}),
        ("a:1,b/bot", {"host": ["a", "b"], "port": [1, 5432], "database": "bot"}),
        ("a,b/bot", {"host": ["a", "b"], "database": "bot"}),
        ("/bot?host=a:1&host=b:2", {"host": ["a", "b"], "port": [1, 2], "database": "bot"}),
        ("/bot?host=a,b&port=1,2", {"host": ["a", "b"], "port": [1, 2], "database": "bot"}),
        ("/?user=u&password=p&dbname=d", {"user": "u", "password": "p", "database": "d"}),
        ("db?sslmode=require", {"host": "db", "dsn": "postgresql://?sslmode=require"}),
        ("db?ssl=require", {"host": "db", "dsn": "postgresql://?sslmode=require"}),
        ("db?sslmode=verify-full&sslrootcert=system", {"host": "db", "ssl": True}),
        ("db?connect_timeout=5", {"host": "db", "timeout": 5.0}),
        ("db?connect_timeout=0", {"host": "db"}),
        ("db?target_session_attrs=read-write", {"host": "db", "target_session_attrs": "read-write"}),
        ("db?prepared_statement_cache_size=0", {"host": "db", "prepared_statement_cache_size": 0}),
        ("db?channel_binding=prefer&gssencmode=disable&sslsni=1&client_encoding=utf8", {"host": "db"}),
    ],
)
def test_what_people_paste_is_told_to_asyncpg(rest: str, arguments: dict[str, Any]) -> None:
    assert postgresql(f"postgresql+asyncpg://{rest}").arguments == arguments


def test_what_belongs_to_the_session_is_set_after_connecting() -> None:
    """A pooler refuses a connection that begins with it."""
    address = postgresql("postgresql+asyncpg://db?options=-c%20search_path%3Dbot%20--statement-timeout%3D5s")

    assert address.settings == {"search_path": "bot", "statement_timeout": "5s"}


@pytest.mark.parametrize("name", ["application_name", "fallback_application_name"])
def test_the_application_may_have_another_name(name: str) -> None:
    assert postgresql(f"postgresql+asyncpg://db?{name}=mine").application_name == "mine"


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("bot:Tr@ub:4dor0hush@127.0.0.1:5432/bot", "an @ in the user name or the password has to be written as %40"),
        ("bot:p@hush/word@db/bot", "has to be written as %40"),
        ("bot:p@ss?hush@db/bot", "is written as %40"),
        ("bot:p@ss?hush=1@db/bot", "is written as %40"),
        ("bot:hush/bot", "the port is no number from 1 to 65535"),
        ("bot:x@db:hush/bot", "the port is no number from 1 to 65535"),
        ("bot:x@db:65536/bot", "the port is no number from 1 to 65535"),
        ("bot:x@db:0/bot", "the port is no number from 1 to 65535"),
        ("db?port=hush", "the port is no number"),
        ("a,b?port=1,2,3", "as many ports as hosts"),
        ("hush..db/bot", "the host's name cannot be one"),
        ("hush hush/bot", "the host's name cannot be one"),
        ("[hush/bot", "no IPv6 address in brackets"),
        ("db?keepalives=1&hostaddr=10.0.0.1&krbsrvname=p", "leave it out: hostaddr, keepalives"),
        ("db?sslmode=hush", "sslmode must be one of these: disable, allow,"),
        ("db?sslmode=", "sslmode must be one of these"),
        ("db?target_session_attrs=hush", "target_session_attrs must be one of these: any, primary,"),
        ("db?channel_binding=require", "channel_binding cannot be had with another value here: disable, prefer"),
        ("db?connect_timeout=hush", "timeout must be a number of seconds"),
        ("db?command_timeout=nan", "command_timeout must be a number of seconds"),
        ("db?statement_cache_size=1.5", "statement_cache_size must be a whole number"),
        ("db?options=hush", "options takes settings only"),
        ("db?sslrootcert=system&sslmode=require", "goes with sslmode=verify-full alone"),
        ("db?sslrootcert=/none/hush.pem", "sslrootcert names a file that cannot be read (No such file or directory)"),
        ("db?sslcert=/none/hush.pem", "sslcert names a file that cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_had_is_named_and_no_password_shown(rest: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)) as refused:
        check(f"postgresql+asyncpg://{rest}")

    assert "hush" not in str(refused.value)


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    with pytest.raises(ValueError, match="sslrootcert names a file that is no certificate"):
        check(f"postgresql+asyncpg://db?sslrootcert={tmp_path}/ca.pem")


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///", "sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:///?a=b"])
def test_a_sqlite_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="names no file"):
        check(url)
