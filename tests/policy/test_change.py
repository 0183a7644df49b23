"""The key `change`: what numbers look like and where they lead, and what is refused in it."""

from pathlib import Path

import pytest

from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.policy import Policy
from bot.policy.file import load_policy
from bot.policy.words import in_full
from bot.settings import RuleSettings, SettingsProblems

ENOUGH = RuleSettings(bot_channel="C0UPGRADES", bot_approvers=("U0SEM",))
CONTRACT = """
[defaults]
change = { pattern = "CHG[0-9]{7}", url = "https://itsm.example.com/{change}" }
"""


def policy(folder: Path, text: str) -> Policy:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path, ENOUGH)


def test_the_contracts_example_is_read(tmp_path: Path) -> None:
    found = policy(tmp_path, CONTRACT)

    pattern = ChangePattern.parse("CHG[0-9]{7}")
    assert found.default.change == ChangeRule(pattern, "https://itsm.example.com/{change}")
    assert found.default.change_address("CHG0012345") == "https://itsm.example.com/CHG0012345"
    assert found.default.change_address("") is None
    assert found.digest != policy(tmp_path, "").digest


def test_the_url_may_be_left_out(tmp_path: Path) -> None:
    found = policy(tmp_path, '[environments.production]\nchange = { pattern = "A{3}" }')

    assert found.rule("acme", "production").change == ChangeRule(ChangePattern.parse("A{3}"))
    assert found.rule("acme", "production").change_address("AAA") is None
    assert found.rule("acme", "staging").change is None


def test_without_the_key_the_digest_is_what_it_was(tmp_path: Path) -> None:
    """A replica of 0.1.0 beside this version has the same policy."""
    plain = "[defaults]\nrequired_approvals = 1\n"

    assert policy(tmp_path, plain).digest == "79259f1358270a3ade5036d286205c711ba1298dbbd00cfa2e3363385c977200"


def test_it_is_said_in_words(tmp_path: Path) -> None:
    (rules,) = in_full(policy(tmp_path, CONTRACT)).values()

    leads = "which leads to https://itsm.example.com/{change}"
    assert f"a change number like CHG0000000 is required (CHG[0-9]{{7}}), {leads}" in rules


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('"CHG[0-9]{7}"', "a table"),
        ("{}", "change lacks pattern"),
        ('{ url = "https://itsm.example.com/{change}" }', "change lacks pattern"),
        ('{ pattern = "CHG.*" }', 'the pattern "CHG.*" has "." at position 4, which is not allowed here'),
        ('{ pattern = "" }', "is empty"),
        ("{ pattern = 7 }", 'the pattern "7" is not text in quotes'),
        ('{ pattern = "A", url = "http://itsm.example.com/{change}" }', "the url does not begin with https://"),
        ('{ pattern = "A", url = "https://itsm.example.com/" }', "the url has no {change}"),
        ('{ pattern = "A", url = "https://{change}.example.com/" }', "begins with https:// and a host"),
        (
            '{ pattern = "A", url = "https://x.example.com/{change}/{user}" }',
            '"{user}" is not filled in, only {change} is',
        ),
        ('{ pattern = "A", url = "https://x.example.com/{change} |x" }', "another character in it that no address has"),
        ('{ pattern = "A", link = "x" }', '"link" is unknown, the nearest key is'),
    ],
)
def test_what_cannot_be_meant_is_refused_with_an_example(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(SettingsProblems) as caught:
        policy(tmp_path, f"[defaults]\nchange = {written}")

    (line,) = caught.value.lines
    assert said in line
    assert 'Example: change = { pattern = "CHG[0-9]{7}", url = "https://itsm.example.com/{change}" }' in line
    assert "[defaults]" in line
