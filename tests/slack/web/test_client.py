import pytest

from bot.slack.web.client import open_session, web_client


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
