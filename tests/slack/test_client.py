import pytest

from bot.slack.client import open_session, proxy_for, web_client


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def test_calls_go_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY is honoured for Slack, by the session and by the client alike."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    async with open_session() as session:
        client = web_client(token="xoxb-1", base_url="https://slack.com/api/", session=session)

        assert str(session._default_proxy) == client.proxy == "http://proxy.invalid:3128"


async def test_what_no_proxy_names_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY wins over the proxy, as operators expect."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", ".slack.com,slack.com")
    async with open_session() as session:
        client = web_client(token="xoxb-1", base_url="https://slack.com/api/", session=session)

        assert session._default_proxy is None
        assert client.proxy is None


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
