"""What doctor says about Avisi Cloud, each thing broken on its own."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from bot.doctor.cloud_access import cloud_access
from bot.doctor.finding import State
from bot.sandbox.avisi.faults import Fault
from tests.doctor.conftest import Clinic


async def test_a_healthy_cloud_is_said_to_be_right(clinic: Clinic) -> None:
    found = await clinic.examine(cloud_access)

    assert {finding.state for finding in found} == {State.OK}
    assert any("organisation's list" in finding.text for finding in found)


async def test_a_refused_token_names_its_variable(clinic: Clinic) -> None:
    clinic.changes["acloud_personal_access_token"] = SecretStr("wrong-token")

    finding = await clinic.only(State.WRONG, cloud_access)

    assert finding.about == "ACLOUD_PERSONAL_ACCESS_TOKEN"
    assert "401" in finding.text
    assert "wrong-token" not in str(finding)


async def test_an_unreachable_cloud_names_the_address(clinic: Clinic) -> None:
    clinic.changes["acloud_api_endpoint"] = "http://127.0.0.1:9"

    finding = await clinic.only(State.WRONG, cloud_access)

    assert finding.about == "ACLOUD_API_ENDPOINT"
    assert "http://127.0.0.1:9" in finding.fix


async def test_an_address_that_is_not_the_apis_is_what_is_wrong(clinic: Clinic) -> None:
    """Neither slug nor role."""
    clinic.changes["acloud_api_endpoint"] = f"{clinic.cloud.url}/console"

    finding = await clinic.only(State.WRONG, cloud_access)

    assert finding.about == "ACLOUD_API_ENDPOINT"
    assert "/console knows none of the API's addresses (404)" in finding.text


async def test_an_organisation_that_the_token_does_not_see_names_the_nearest(clinic: Clinic) -> None:
    clinic.changes["acloud_organisation"] = ("acmee",)

    finding = await clinic.only(State.WRONG, cloud_access)

    assert finding.about == "ACLOUD_ORGANISATION acmee"
    assert "the nearest is acme" in finding.fix


async def test_a_role_that_may_be_too_small_is_a_warning(clinic: Clinic) -> None:
    clinic.cloud.organisation().role = "viewer"

    finding = await clinic.only(State.WARNING, cloud_access)

    assert "role viewer" in finding.text


async def test_a_role_that_is_not_told_keeps_nobody_from_working(clinic: Clinic) -> None:
    clinic.cloud.faults.add(Fault(path="*/organisations/*/me", status=404, times=None))

    finding = await clinic.only(State.UNKNOWN, cloud_access)

    assert finding.about == "ACLOUD_ORGANISATION acme"
    assert "role is not told" in finding.text


async def test_a_token_that_sees_nothing_sees_no_organisation_of_ours(clinic: Clinic) -> None:
    clinic.cloud.world.tokens[clinic.cloud.token].clear()

    finding = await clinic.only(State.WRONG, cloud_access)

    assert finding.about == "ACLOUD_ORGANISATION acme"
    assert "does not see this organisation" in finding.text


async def test_environments_are_not_called_unknown_while_a_catalog_is_missing(clinic: Clinic) -> None:
    """They may be in the organisation that cannot be read."""
    clinic.changes["acloud_organisation"] = ("acme", "globex")
    clinic.policy = '[environments."globex/production"]'

    found = [finding for finding in await clinic.examine(cloud_access) if "BOT_POLICY_FILE" in finding.about]

    assert [finding.state for finding in found] == [State.UNKNOWN]


async def test_a_policy_without_tables_warns_of_every_environment(clinic: Clinic) -> None:
    clinic.policy = "[defaults]"

    found = [finding for finding in await clinic.examine(cloud_access) if finding.state is State.WARNING]

    assert ["has no table" in finding.text for finding in found] == [True, True, True]


@pytest.mark.parametrize(("status", "why"), [(404, "offers no list"), (403, "refuses the list")])
async def test_without_a_list_the_source_of_statuses_is_a_warning(clinic: Clinic, status: int, why: str) -> None:
    """A list that this token may not read can be had; one that is not there cannot."""
    clinic.cloud.quirks.list_status = status

    finding = await clinic.only(State.WARNING, cloud_access)

    assert finding.about == "BOT_STATUS_SOURCE"
    assert "the clusters' versions" in finding.text
    assert why in finding.text


async def test_insisting_on_a_list_that_is_not_there_is_wrong(clinic: Clinic) -> None:
    clinic.cloud.quirks.list_status = 404
    clinic.changes["bot_status_source"] = "organisation"

    finding = await clinic.only(State.WRONG, cloud_access)

    assert "BOT_STATUS_SOURCE=auto" in finding.fix


async def test_an_environment_of_the_policy_that_no_catalog_has_is_wrong(clinic: Clinic) -> None:
    clinic.policy = "[environments.produktion]"

    found = [finding for finding in await clinic.examine(cloud_access) if finding.state is State.WRONG]

    assert [finding.about for finding in found] == ['BOT_POLICY_FILE [environments."produktion"]']
    assert "the nearest is production" in found[0].fix


async def test_waiting_for_an_environment_that_no_catalog_has_is_wrong(clinic: Clinic) -> None:
    clinic.policy = '[environments.production]\nafter = { stagging = "3d" }'

    found = [finding for finding in await clinic.examine(cloud_access) if finding.state is State.WRONG]

    assert ["stagging" in finding.text for finding in found] == [True]


async def test_an_environment_without_a_table_is_a_warning(clinic: Clinic) -> None:
    clinic.policy = "[environments.production]"

    found = [finding for finding in await clinic.examine(cloud_access) if finding.state is State.WARNING]

    assert any("acme/staging has no table" in finding.text for finding in found)


async def test_a_clock_that_is_off_is_noticed(clinic: Clinic) -> None:
    clinic.ahead = timedelta(seconds=90)

    finding = await clinic.only(State.WARNING, cloud_access)

    assert "Avisi Cloud's are" in finding.text
