from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.cluster import Organisation
from bot.domain.freeze import FrozenPlace
from bot.domain.naming import PLAIN, Naming
from bot.slack.form.filling import NotUnderstood
from bot.slack.form.freeze import FreezeForm, chosen_places, draw, errors, fill, options, read
from tests.builders import ACME, NOON

PRODUCTION = FrozenPlace(organisation=ACME, environment="production", channel="C1")
STAGING = FrozenPlace(organisation=ACME, environment="staging", channel="C2")
ELSEWHERE = FrozenPlace(organisation=Organisation("globex"), environment="staging", channel="C3")
PLACES = (PRODUCTION, STAGING)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SIX = datetime(2026, 12, 5, 18, tzinfo=UTC)


def entered(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - as Slack sends them
    state: dict[str, Any] = {
        "freeze_places": {"freeze_places": {"selected_options": values.get("environments")}},
        "freeze_until": {"freeze_until": {"selected_date_time": values.get("until")}},
        "freeze_reason": {"freeze_reason": {"value": values.get("reason")}},
    }
    return {"state": {"values": state}}


def filled(words: str, *places: FrozenPlace) -> FreezeForm:
    return fill(words.split(), places or PLACES, PLAIN, now=NOON, zone=AMSTERDAM)


@pytest.mark.parametrize(
    ("words", "environments"),
    [
        ("", ()),
        ("production", ("acme/production",)),
        ("Staging production", ("acme/staging", "acme/production")),
        ("acme/staging", ("acme/staging",)),
        ("ALL", ("all",)),
        ("production until sat 19:00", ("acme/production",)),
        ("until sat 19:00", ()),
    ],
)
def test_environments_are_read(words: str, environments: tuple[str, ...]) -> None:
    assert filled(words).environments == environments


def test_a_name_that_several_organisations_have_is_all_of_them() -> None:
    assert filled("staging", *PLACES, ELSEWHERE).environments == ("acme/staging", "globex/staging")
    assert filled("globex/staging", *PLACES, ELSEWHERE).environments == ("globex/staging",)


def test_until_is_read_in_the_persons_own_zone() -> None:
    """As WHEN is everywhere; the modal says how it was read."""
    read_as = filled("production until sat 19:00")

    assert read_as.until == SIX
    assert read_as.notes == ("Until was read as Sat 5 Dec, 19:00 CET.",)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("test", "No environment is called `test`. There is: `production`, `staging`."),
        ("Prodction", "No environment is called `Prodction`. Did you mean `production`?"),
        ("production tomorrow 18:00", "No environment is called `tomorrow`."),
        ("production until", "The time `` was not understood."),
        ("production until whenever", "The time `whenever` was not understood."),
        ("production until 2027-04-01 12:00", "A freeze can last 90 days at most"),
        ("production until 2020-01-01 12:00", "is in the past"),
    ],
)
def test_what_is_not_understood_is_said(words: str, said: str) -> None:
    with pytest.raises(NotUnderstood) as error:
        filled(words)

    assert said in str(error.value)


def test_what_was_entered_is_read_back() -> None:
    chosen = [{"value": "acme/staging"}, {"value": "acme/gone"}]
    form = read(entered(environments=chosen, until=int(SIX.timestamp()), reason="  Incident  "))

    assert (form.until, form.reason) == (SIX, "Incident")
    assert chosen_places(form, PLACES) == (STAGING,)
    assert errors(form, PLACES, now=NOON) == {}


def test_all_environments_is_no_choice_of_any() -> None:
    """So whoever decides takes all that there are then."""
    form = read(entered(environments=[{"value": "acme/staging"}, {"value": "all"}]))

    assert chosen_places(form, PLACES) == ()
    assert "freeze_places" not in errors(form, PLACES, now=NOON)


@pytest.mark.parametrize("until", [None, NOON, NOON + timedelta(days=90, minutes=1)])
def test_what_is_missing_or_wrong_is_said_at_its_field(until: datetime | None) -> None:
    form = FreezeForm(environments=("acme/gone",), until=until)

    assert errors(form, PLACES, now=NOON) == {
        "freeze_places": "Choose at least one environment.",
        "freeze_until": "Choose a time ahead, at most 90 days from now.",
        "freeze_reason": "Say why, so that others understand it.",
    }


def test_the_modal_is_filled_in() -> None:
    drawn = draw(FreezeForm(environments=("acme/staging",), until=SIX), PLACES, PLAIN)
    environments, until, reason = [one["element"] for one in drawn["blocks"] if one["type"] == "input"]  # type: ignore[attr-defined]

    assert (drawn["title"]["text"], drawn["submit"]["text"]) == ("Freeze upgrades", "Freeze")  # type: ignore[index]
    assert [one["text"]["text"] for one in environments["options"]] == ["All environments", "production", "staging"]
    assert environments["initial_options"] == [environments["options"][2]]
    assert until["initial_date_time"] == int(SIX.timestamp())
    assert "initial_value" not in reason


def test_more_environments_than_a_select_takes_are_searched() -> None:
    many = [FrozenPlace(organisation=ACME, environment=f"env-{number}") for number in range(100)]

    drawn = draw(FreezeForm(environments=("acme/env-99",)), many, PLAIN)

    element = drawn["blocks"][1]["element"]  # type: ignore[index]
    assert (element["type"], len(element["initial_options"])) == ("multi_external_select", 1)
    assert [one["value"] for one in options(many, PLAIN, typed="env-99")] == ["acme/env-99"]
    assert len(options(many, PLAIN)) == 100
    assert options([ELSEWHERE], Naming(several=True), typed="globex")[0]["value"] == "globex/staging"
