"""Which proxy leads to an address, by the variables that every tool honours."""

import pytest

from bot.proxies import proxy_for, wrong_with

CLOUD = "https://api.avisi.cloud"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_is_never_reached_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox runs on a machine behind a proxy, too."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")

    assert proxy_for(f"http://{host}:8080/api/") is None


def test_a_proxy_belongs_to_a_scheme_or_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain HTTP does not go through HTTPS_PROXY, but through ALL_PROXY where there is one."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")

    assert proxy_for("http://slack.invalid/api/") is None

    monkeypatch.setenv("ALL_PROXY", "http://other.invalid:3128")

    assert proxy_for("http://slack.invalid/api/") == "http://other.invalid:3128"


@pytest.mark.parametrize(
    "value", ["127.0.0.1:3128", "http://127.0.0.1:3128", "http://127.0.0.1:3128\n", " 127.0.0.1:3128\r\n"]
)
def test_a_proxy_is_one_without_a_scheme_and_with_a_line_break(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `echo` leaves it in a Kubernetes Secret."""
    monkeypatch.setenv("HTTPS_PROXY", value)

    assert proxy_for(CLOUD) == "http://127.0.0.1:3128"


@pytest.mark.parametrize(
    "names", ["*", "*\n", "other.test, *", "avisi.cloud", ".avisi.cloud", "API.AVISI.CLOUD", "a, api.avisi.cloud\n"]
)
def test_what_no_proxy_names_is_reached_directly(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("NO_PROXY", names)

    assert proxy_for(CLOUD) is None


def test_a_port_in_no_proxy_leaves_out_that_port_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "api.avisi.cloud:8443")

    assert proxy_for(f"{CLOUD}:8443") is None
    assert proxy_for(CLOUD) == "http://proxy.invalid:3128"


@pytest.mark.parametrize("names", ["", " ", "visi.cloud", "api.avisi.cloud.test"])
def test_what_no_proxy_does_not_name_goes_through_the_proxy(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", names)

    assert proxy_for(CLOUD) == "http://proxy.invalid:3128"


@pytest.mark.parametrize("proxy", ["http://a:3128", "https://a", "http://u:p%40w@a:3128/", "HTTP://[::1]:3128"])
def test_an_http_proxy_can_be_used(proxy: str) -> None:
    assert wrong_with(proxy) is None


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("socks5://127.0.0.1:1080", "it names a proxy of socks5://"),
        ("http://a:hush", "its host and port cannot be read"),
        ("http://a:65536", "its host and port cannot be read"),
        ("http://u:hush@hush@a:1", "an @ in a password is written as %40"),
        ("http://u:hu sh@a:1", "there is a space"),
        ("http://", "its host and port cannot be read"),
        ("http://a..b:1", "its host and port cannot be read"),
    ],
)
def test_what_is_wrong_with_a_proxy_is_said_without_its_password(proxy: str, why: str) -> None:
    said = wrong_with(proxy)

    assert said
    assert why in said
    assert "hush" not in said
