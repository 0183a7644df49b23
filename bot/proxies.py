"""Chooses the proxy for an address by the usual environment variables, the same way for Slack and the cloud.

The HTTP libraries each read these variables differently: one ignores NO_PROXY, one fails at a proxy that NO_PROXY
excludes, one rejects an address without a scheme.
"""

import re
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
_SPOKEN: Final = ("http", "https")


def proxy_for(address: str) -> str | None:
    """Return the address of the proxy, None when there is none; loopback never has one."""
    parts = urlsplit(address)
    named = {name: value.strip() for name, value in getproxies().items()}
    host = parts.hostname or ""
    if host in _LOOPBACK or _left_out(named.get("no", ""), host, parts.netloc.lower()):
        return None
    proxy = named.get(parts.scheme) or named.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _left_out(names: str, *hosts: str) -> bool:
    """Whether NO_PROXY names one of these hosts, a parent domain of it, or `*`."""
    found = [name.strip().lower().lstrip(".") for name in names.split(",")]
    return any(name == "*" or f".{host}".endswith(f".{name}") for name in found if name for host in hosts)


def wrong_with(proxy: str) -> str | None:
    """Say why a proxy cannot be used, without showing its password; None when it can."""
    scheme = proxy.partition("://")[0].lower()
    if scheme not in _SPOKEN:
        known = f"{scheme}://" if re.fullmatch(r"[a-z0-9]{1,10}", scheme) else "another kind"
        return f"it names a proxy of {known}, and the bot uses HTTP proxies only"
    if re.search(r"\s", proxy):
        return "there is a space or a line break in it"
    try:
        parts = urlsplit(proxy)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:
        return "its host and port cannot be read"
    if not parts.hostname or port == 0 or parts.netloc.count("@") > 1:
        return "its host and port cannot be read (an @ in a password is written as %40)"
    return None
