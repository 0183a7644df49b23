"""The table `[rollout]`: what a plan is filled in with, and what is refused in it."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.policy import Policy, RolloutRule
from bot.domain.rollout import NextWave
from bot.policy.file import load_policy
from bot.policy.words import in_full
from bot.settings import RuleSettings, SettingsProblems

ENOUGH = RuleSettings(bot_channel="C0UPGRADES", bot_approvers=("U0SEM",))
CONTRACT = """
[rollout]
channel = "C0ROLLOUTS"
waves = [["development"], ["staging"], ["production"]]
at_once = 5
soak = "1d"
next_wave = "asks"
may_fail = 0
"""


def policy(folder: Path, text: str) -> Policy:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path, ENOUGH)


def test_every_key_may_be_left_out(tmp_path: Path) -> None:
    assert policy(tmp_path, "").rollout == RolloutRule()
    assert policy(tmp_path, "").digest == load_policy(None, ENOUGH).digest


def test_the_contracts_example_is_read(tmp_path: Path) -> None:
    found = policy(tmp_path, CONTRACT)

    waves = (("development",), ("staging",), ("production",))
    assert found.rollout == RolloutRule(channel="C0ROLLOUTS", waves=waves)
    assert found.channels == ("C0UPGRADES", "C0ROLLOUTS")
    assert found.digest != policy(tmp_path, "").digest


def test_it_is_said_in_words(tmp_path: Path) -> None:
    text = CONTRACT.replace('"1d"', '"none"').replace("asks", "opens").replace("may_fail = 0", "may_fail = 2")

    found = policy(tmp_path, text)

    assert (found.rollout.soak, found.rollout.next_wave) == (timedelta(0), NextWave.OPENS)
    assert "; ".join(in_full(found)["rollouts"]) == (
        "waves development then staging then production; 5 at once; no soak; "
        "each wave opens by itself once it is approved; 2 may fail in a wave; in channel C0ROLLOUTS"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("at_once = 51", "[rollout] at_once is wrong"),
        ("may_fail = 21", "[rollout] may_fail is wrong"),
        ('soak = "2h"', "choose none, 1h, 4h, 12h, 1d, 2d, 3d or 7d"),
        ('next_wave = "waits"', "[rollout] next_wave is wrong"),
        ('waves = [["a"], []]', "a wave is empty"),
        ('waves = [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]', "there are 6 waves"),
        ('waves = [["a"], ["a"]]', '"a" stands in two waves'),
        ('waves = [["Staging"]]', "small letters"),
        ('soaks = "1d"', 'the nearest key is "soak"'),
    ],
)
def test_what_is_wrong_is_said_with_an_example(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsProblems) as raised:
        policy(tmp_path, f"[rollout]\n{text}\n")

    (line,) = raised.value.lines
    assert said in line
    assert "Example: " in line
