"""The policy file: merged key by key, refused where it is ambiguous, and said in words."""

from datetime import UTC, date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.domain.calendar import Freeze
from bot.domain.policy import ALWAYS_ANNOUNCED, Policy
from bot.policy.file import load_policy
from bot.policy.words import in_full, in_short, over_already
from bot.settings import RuleSettings, SettingsProblems

ENOUGH = RuleSettings(bot_channel="C1", bot_approvers=("S1",))
CONTRACT = """
timezone = "Europe/Amsterdam"

[defaults]
channel = "C0UPGRADES"
requesters = ["*"]
approvers = ["S0PLATFORM", "U01BOB"]
notify = ["S0PLATFORM"]
required_approvals = 1
self_approval = false
reason_required = false
request_expires_after = "48h"
remind_approvers_after = "4h"
reminders = ["24h", "1h"]
announce = ["SCHEDULED_NOTIFIED", "FAILED", "MISSED"]
on_call = ["S0ONCALL"]
allow_downgrade = false
allowed = ["mon-thu 20:00-06:00"]
override = false

[environments.production]
required_approvals = 2
channel = "C0PROD"
freeze = [{ from = "2026-12-20", to = "2027-01-03", reason = "Holiday freeze" }]
after = { staging = "3d" }

[environments."acme/staging"]
required_approvals = 0
"""


def policy(tmp_path: Path, text: str, settings: RuleSettings = ENOUGH) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path, settings)


def problems(tmp_path: Path, text: str, settings: RuleSettings = ENOUGH) -> tuple[str, ...]:
    with pytest.raises(SettingsProblems) as caught:
        policy(tmp_path, text, settings)
    return caught.value.lines


def test_the_contracts_example_is_read_whole(tmp_path: Path) -> None:
    production = policy(tmp_path, CONTRACT, RuleSettings()).rule("acme", "production")

    assert production.environment == "production"
    assert production.channel == "C0PROD"
    assert production.approvers == ("S0PLATFORM", "U01BOB")
    assert production.notify == ("S0PLATFORM",)
    assert production.required_approvals == 2
    assert production.reminders == (timedelta(hours=24), timedelta(hours=1))
    assert production.freeze == (Freeze(first=date(2026, 12, 20), last=date(2027, 1, 3), reason="Holiday freeze"),)
    assert production.after == (("staging", timedelta(days=3)),)
    assert production.on_call == ("S0ONCALL",)
    assert production.zone == ZoneInfo("Europe/Amsterdam")
    (allowed,) = production.allowed
    assert (allowed.weekdays, allowed.start, allowed.end) == ((0, 1, 2, 3), time(20), time(6))


def test_without_a_file_the_variables_and_the_defaults_decide() -> None:
    rule = load_policy(None, RuleSettings(bot_channel="C1", bot_approvers=("U1",), bot_required_approvals=3)).default

    assert (rule.channel, rule.approvers, rule.required_approvals) == ("C1", ("U1",), 3)
    assert rule.requesters == ("*",)
    assert rule.notify == ("U1",)
    assert rule.request_expires_after == timedelta(hours=48)
    assert rule.remind_approvers_after == timedelta(hours=4)
    assert rule.announce == ALWAYS_ANNOUNCED
    assert rule.allowed == ()
    assert rule.zone is UTC


def test_each_key_is_taken_from_the_nearest_place_that_gives_it(tmp_path: Path) -> None:
    """The environment's table, then `[defaults]`, then the variable, then the built-in default."""
    text = """
    [defaults]
    required_approvals = 2
    channel = "C2"
    [environments.production]
    required_approvals = 3
    """

    found = policy(tmp_path, text)

    production = found.rule("acme", "production")
    assert (production.required_approvals, production.channel, production.approvers) == (3, "C2", ("S1",))
    assert found.rule("acme", "other").required_approvals == 2


def test_a_table_with_an_organisation_wins_key_by_key_over_the_one_without(tmp_path: Path) -> None:
    text = """
    [environments.staging]
    required_approvals = 0
    channel = "C2"
    [environments."acme/staging"]
    required_approvals = 4
    """

    found = policy(tmp_path, text)

    assert found.rule("acme", "staging").required_approvals == 4
    assert found.rule("acme", "staging").channel == "C2"
    assert found.rule("globex", "staging").required_approvals == 0


def test_a_false_in_an_environment_wins_over_a_true_in_the_defaults(tmp_path: Path) -> None:
    text = "[defaults]\nself_approval = true\n[environments.production]\nself_approval = false"

    assert policy(tmp_path, text).rule("acme", "production").self_approval is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[defaults]\napprovers = ["S1", "U2"]', ("S1", "U2")),
        ('[defaults]\napprovers = ["*"]', ()),
        ('[defaults]\nnotify = ["*"]', ()),
        ("[defaults]\nnotify = []", ()),
        ('[defaults]\nnotify = ["U7"]', ("U7",)),
    ],
)
def test_notify_left_out_means_the_approvers_and_a_star_mentions_nobody(
    tmp_path: Path, text: str, expected: tuple[str, ...]
) -> None:
    assert policy(tmp_path, text).default.notify == expected


def test_what_is_always_announced_stays_announced(tmp_path: Path) -> None:
    assert policy(tmp_path, '[defaults]\nannounce = ["SUCCEEDED"]').default.announce == ALWAYS_ANNOUNCED | {"SUCCEEDED"}


@pytest.mark.parametrize(
    ("text", "weekdays", "start", "end"),
    [
        ("sat", (5,), time(0), time(0)),
        ("sat,sun 00:00-24:00", (5, 6), time(0), time(0)),
        ("mon-thu 20:00-06:00", (0, 1, 2, 3), time(20), time(6)),
        ("fri-mon 22:30-24:00", (0, 4, 5, 6), time(22, 30), time(0)),
        ("mon,wed-fri 01:00-02:00", (0, 2, 3, 4), time(1), time(2)),
    ],
)
def test_allowed_times_are_read(
    tmp_path: Path, text: str, weekdays: tuple[int, ...], start: time, end: time
) -> None:  # fmt: skip
    (allowed,) = policy(tmp_path, f'[defaults]\nallowed = ["{text}"]').default.allowed

    assert (allowed.weekdays, allowed.start, allowed.end, allowed.text) == (weekdays, start, end, text)


def test_a_freeze_may_be_written_as_a_toml_date(tmp_path: Path) -> None:
    text = "[defaults]\nfreeze = [{ from = 2026-12-20, to = 2026-12-20 }]"

    assert policy(tmp_path, text).default.freeze == (Freeze(first=date(2026, 12, 20), last=date(2026, 12, 20)),)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("aprovers = []", '"aprovers" is unknown, the nearest key is "approvers"'),
        ("requesters = []", "requesters is wrong: the list is empty"),
        ("approvers = []", "approvers is wrong: the list is empty"),
        (
            'approvers = "U1"',
            'approvers is wrong: "U1" does not fit, it must be a list, in square brackets. Example: app',
        ),
        ('on_call = "S1"', 'on_call is wrong: "S1" does not fit, it must be a list, in square brackets. Example: on_'),
        ("on_call = [1]", 'on_call is wrong: "1" does not fit, it must be text, in quotes'),
        ('self_approval = "no"', 'self_approval is wrong: "no" does not fit, it must be true or false, without quotes'),
        ('required_approvals = "2"', '"2" does not fit, it must be a whole number, without quotes'),
        ("required_approvals = 101", '"101" does not fit, it must be 100 or less'),
        ('after = "staging"', 'after is wrong: "staging" does not fit, it must be a table, in curly brackets'),
        (
            'after = { Staging = "3d" }',
            'after is wrong: "Staging" would never succeed: the slugs of Avisi Cloud are',
        ),
        ('approvers = ["bob"]', '"bob" is not a valid ID'),
        ('approvers = ["*", "U1"]', "must stand alone"),
        ("allowed = []", "allowed is wrong: the list is empty"),
        ('allowed = ["mon-thr 20:00-06:00"]', '"thr" is not a valid weekday, the nearest is "thu"'),
        ('allowed = ["mon 20:00-20:00"]', "could mean a whole day or nothing"),
        ('allowed = ["mon 25:00-26:00"]', '"25:00" is not a time of day'),
        ('allowed = ["weekends"]', '"weekends" is not a valid time such as'),
        ('allowed = ["mon-tue-wed"]', "more than two ends"),
        ("required_approvals = -1", 'required_approvals is wrong: "-1" does not fit'),
        ("required_approvals = 1.5", 'required_approvals is wrong: "1.5" does not fit'),
        ("required_approvals = true", 'required_approvals is wrong: "True" does not fit'),
        ("self_approval = 1", "self_approval is wrong"),
        ("request_expires_after = 48", '"48" is not a valid duration'),
        ('request_expires_after = "-4h"', '"-4h" is not a valid duration'),
        ('request_expires_after = "0h"', "not between one second and a year"),
        ('reminders = ["1 hour"]', '"1 hour" is not a valid duration'),
        ('announce = ["FAILD"]', '"FAILD" is not a valid status, the nearest is "FAILED"'),
        ('on_call = ["*"]', "would mention everybody"),
        ('channel = "#upgrades"', '"#upgrades" is not a valid channel ID'),
        ('freeze = [{ from = "2027-01-03", to = "2026-12-20" }]', "begins on 2027-01-03 and ends before that"),
        ('freeze = [{ from = "2026-12-20" }]', "freeze lacks to"),
        ('freeze = [{ from = 2026-12-20T10:00:00, to = "2027-01-03" }]', '"2026-12-20 10:00:00" is not a valid day'),
        ('freeze = [{ from = "2026-02-30", to = "2026-03-01" }]', "not a day of the calendar"),
        ('freeze = [{ from = "2026-12-20", too = "2027-01-03" }]', '"too" is unknown, the nearest key is "to"'),
        (
            'timezone = "UTC"',
            '"timezone" does not belong here but at the top of the file. Example: timezone = "Europe/Amsterdam"',
        ),
        ('request_expires_after = "٤h"', '"٤h" is not a valid duration'),
        ('after = { staging = "soon" }', '"soon" is not a valid duration'),
        ('after = { "acme/staging" = "1d" }', '"acme/staging" is not a valid slug'),
    ],
)
def test_what_is_ambiguous_or_unknown_is_refused_with_the_key_and_an_example(
    tmp_path: Path, line: str, expected: str
) -> None:
    found = problems(tmp_path, f"[environments.production]\n{line}")

    (said,) = [one for one in found if expected in one]
    assert "[environments.production]" in said
    assert "Example: " in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('timezone = "Mars/Olympus"', "timezone is wrong"),
        ('timezone = "localtime"', '"localtime" is not a valid time zone'),
        (
            'channel = "C1"',
            '"channel" does not belong here but under [defaults] or an environment. Example: channel =',
        ),
        ("[production]\nrequired_approvals = 2", 'nearest key is "environments". Example: [environments.production]'),
        (
            "[environments.Production]",
            "[environments.Production] would never apply: the slugs of",
        ),
        ('[environments."Acme/staging"]', 'Example: [environments."acme/staging"]'),
        ("defaults = 1", 'defaults is wrong: "1" does not fit, it must be a table of keys and values'),
        ('[default]\nchannel = "C1"', '"default" is unknown, the nearest key is "defaults". Example: [defaults]'),
        ('[defaults]\nreminders = ["1h\\n"]', '"1h " is not a valid duration'),
        ("[enviroments.production]", '"enviroments" is unknown, the nearest key is "environments"'),
        ("[environments.production", "the file is not TOML"),
        ('[environments."a/b/c"]', "is not a valid environment"),
        ('[environments.staging]\nafter = { staging = "1d" }', "after can never be met: staging waits for itself"),
        (
            '[defaults]\nafter = { staging = "1d" }',
            "staging waits for itself. Example: after = {} under [environments.staging]",
        ),
        (
            'defaults.after = { b = "1d" }\nenvironments.a.after = { c = "1d" }\nenvironments.b.after = { a = "1d" }',
            "after can never be met: a and b and c wait for each other",
        ),
        (
            'environments.a.after = { b = "1d" }\nenvironments."acme/b".after = { a = "1d" }',
            "after can never be met: a and b wait for each other",
        ),
    ],
)
def test_the_file_as_a_whole_is_judged_too(tmp_path: Path, text: str, expected: str) -> None:
    (line,) = problems(tmp_path, text)

    assert expected in line
    assert "Example: " in line


def test_what_comes_after_something_else_may_be_a_chain(tmp_path: Path) -> None:
    """And its first link waits for nothing, whatever `[defaults]` say."""
    text = """
    [defaults]
    after = { staging = "1d" }
    [environments.staging]
    after = {}
    [environments.production]
    after = { acceptance = "1d", staging = "3d" }
    ["environments"."acme/staging"]
    required_approvals = 0
    """

    assert policy(tmp_path, text).rule("acme", "acceptance").after == (("staging", timedelta(days=1)),)


def test_a_missing_file_is_a_problem_that_names_the_variable(tmp_path: Path) -> None:
    settings = RuleSettings(bot_policy_file=tmp_path / "none.toml")

    with pytest.raises(SettingsProblems, match=r"BOT_POLICY_FILE=.*cannot be read"):
        load_policy(settings.bot_policy_file, settings)


def test_a_file_that_is_not_written_in_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes("[defaults]\n# Café\n".encode("latin-1"))

    with pytest.raises(SettingsProblems, match="line 2 is not written in UTF-8"):
        load_policy(path, ENOUGH)


def test_a_mark_that_an_editor_puts_before_the_text_is_no_part_of_it(tmp_path: Path) -> None:
    """Some editors begin every file in UTF-8 with a byte order mark."""
    assert policy(tmp_path, '\ufeff[defaults]\nchannel = "C2"').channels == ("C2",)


def test_a_channel_is_required_unless_the_policy_gives_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblems, match="BOT_CHANNEL is missing"):
        load_policy(None, RuleSettings(bot_approvers=("U1",)))

    assert policy(tmp_path, '[defaults]\nchannel = "C2"', RuleSettings(bot_approvers=("U1",))).channels == ("C2",)


def test_approvers_are_required_while_any_environment_asks_for_approvals(tmp_path: Path) -> None:
    nobody = RuleSettings(bot_channel="C1", bot_required_approvals=0)
    asking = "[environments.production]\nrequired_approvals = 1"

    assert load_policy(None, nobody).default.approvers == ()
    (line,) = problems(tmp_path, asking, nobody)
    assert "BOT_APPROVERS is missing" in line
    assert "production" in line


def test_an_override_asks_for_an_approval_so_it_needs_approvers(tmp_path: Path) -> None:
    nobody = RuleSettings(bot_channel="C1", bot_required_approvals=0)

    (line,) = problems(tmp_path, "[environments.production]\noverride = true", nobody)

    assert "BOT_APPROVERS is missing" in line


def test_a_policy_is_said_in_words(tmp_path: Path) -> None:
    found = policy(tmp_path, CONTRACT, RuleSettings())

    rules = in_full(found)
    staging, production, others = in_short(found)

    assert list(rules) == ["acme/staging", "production", "every other environment"]
    assert rules["production"][:2] == [
        "2 approvals from S0PLATFORM or U01BOB, not the requester",
        "frozen Dec 20, 2026 to Jan 3, 2027 (Holiday freeze)",
    ]
    assert "3d after the same version succeeded in staging" in rules["production"]
    assert rules["production"][-1] == "in channel C0PROD"
    assert rules["acme/staging"][:2] == ["no approval needed", "upgrades only mon-thu 20:00-06:00 (Europe/Amsterdam)"]
    assert production == (
        "production: 2 approvals from S0PLATFORM or U01BOB, not the requester; "
        "frozen Dec 20, 2026 to Jan 3, 2027 (Holiday freeze); in channel C0PROD"
    )
    assert staging.startswith("acme/staging: no approval needed; in channel ")
    assert others.startswith("every other environment: 1 approval from S0PLATFORM or U01BOB")


@pytest.mark.parametrize(
    ("lines", "clause"),
    [
        ("", "approvers notified at once and reminded after 4h"),
        ('notify = ["U1", "S2"]\nremind_approvers_after = "30m"', "U1 and S2 notified at once and reminded after 30m"),
        ('notify = ["*"]', "nobody notified by name, a reminder after 4h"),
        ('on_call = ["S2", "U1"]', "S2 and U1 mentioned on failures"),
        ('freeze = [{ from = "2026-12-25", to = "2026-12-25" }]', "frozen Dec 25, 2026; no freeze can be overridden"),
        (
            'freeze = [{ from = "2026-12-25", to = "2026-12-25" }]\noverride = true',
            "frozen Dec 25, 2026; a freeze can be overridden with a reason and 2 approvals",
        ),
        ('requesters = ["S2"]', "requested by S2"),
        ("reason_required = true", "a reason is required"),
        ("allow_downgrade = true", "patch downgrades allowed"),
        ('announce = ["SUCCEEDED"]', "also announced: SUCCEEDED"),
        ('reminders = ["90m", "30m"]', "reminders 90m and 30m before a window"),
        ("reminders = []", "no reminders before a window"),
        ("self_approval = true", "the requester's own counts"),
    ],
)
def test_every_key_has_its_words(tmp_path: Path, lines: str, clause: str) -> None:
    """What an environment's rule says can be read without knowing the file."""
    (rules,) = in_full(policy(tmp_path, f"[defaults]\n{lines}")).values()

    assert clause in "; ".join(rules)


def test_a_freeze_that_is_over_is_pointed_out(tmp_path: Path) -> None:
    """It may be that somebody wrote last year's number; each is named once."""
    text = """
    [defaults]
    freeze = [{ from = "2026-12-20", to = "2027-01-03" }, { from = "2025-12-20", to = "2026-01-03", reason = "Peak" }]
    [environments.production]
    required_approvals = 2
    """
    found = policy(tmp_path, text)

    assert over_already(found, today=date(2026, 1, 3)) == []
    assert over_already(found, today=date(2026, 1, 4)) == ["the freeze Dec 20, 2025 to Jan 3, 2026 (Peak) is over"]
