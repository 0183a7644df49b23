"""What doctor tells of the cloud's answers: their shapes, so that they can be compared, and no word of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import httpx
import pytest
from aiohttp import web

from bot.doctor.cloud_shapes import cloud_shapes
from bot.doctor.examination import examine_and_print
from bot.doctor.finding import Finding, State
from bot.policy.file import load_policy
from bot.sandbox.avisi.faults import Fault
from tests.avisi.scripted import scripted
from tests.doctor.conftest import Clinic

UPGRADES = "GET /api/v1/orgs/{org}/scheduled-cluster-upgrades"
CLUSTERS = "GET /api/v1/orgs/{org}/clusters"
ALERTS = "GET /api/v1/orgs/{org}/alerts/{}"


async def schedule(clinic: Clinic) -> None:
    """Let somebody schedule an upgrade of the first cluster."""
    cluster = next(one for one in clinic.cloud.organisation().clusters.values() if one.slug == "payments")
    body = {"clusterIdentity": cluster.identity, "version": "v1.32.3-u-ame.1", "ignoreMaintenanceSchedule": False}
    async with httpx.AsyncClient(headers={"Authorization": f"Token {clinic.cloud.token}"}) as client:
        answer = await client.post(f"{clinic.cloud.url}/api/v1/orgs/acme/scheduled-cluster-upgrades", json=body)
        assert answer.is_success, answer.text


async def looked(clinic: Clinic) -> dict[str, Finding]:
    """Return what is said of each endpoint; of an endpoint that is asked twice, what was said first."""
    found = await clinic.examine(cloud_shapes("acme"))
    return {finding.about: finding for finding in reversed(found)}


def words_of(value: object) -> Iterator[str]:
    """Yield every name and identity in a part of the simulated world."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from words_of(key)
            yield from words_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from words_of(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            if one.name in {"slug", "name", "identity", "cluster", "environment", "organisation", "version"} or not (
                isinstance(getattr(value, one.name), str)
            ):
                yield from words_of(getattr(value, one.name))


async def test_every_endpoint_is_described_by_its_fields(clinic: Clinic) -> None:
    await schedule(clinic)

    found = await looked(clinic)

    assert {finding.state for finding in found.values()} == {State.OK}
    assert "answers with a page (content, " in found[CLUSTERS].text
    assert "identity (uuid)" in found[CLUSTERS].text
    assert "observabilityTenant.slug (text)" in found[CLUSTERS].text
    assert "Unknown to the bot: " in found[CLUSTERS].text
    assert "region (text)" in found[CLUSTERS].text
    assert "createdAt (time with Z)" in found[UPGRADES].text
    assert "Never sent: " in found[UPGRADES].text
    assert "Statuses: REQUESTED" in found[UPGRADES].text or "Statuses: SCHEDULED" in found[UPGRADES].text
    assert "answers with an array" in found[ALERTS].text
    assert "startTime (time of day)" in found["GET /api/v1/organisations/{org}/maintenance-schedule"].text
    assert "role (text)" in found["GET /api/v1/organisations/{org}/me"].text


async def test_the_report_holds_no_name_no_token_and_no_identity(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is made to be attached to an issue. Every word that the simulated cloud knows is looked for in it."""
    await schedule(clinic)
    settings = clinic.settings()

    code = await examine_and_print(settings, load_policy(None, settings), cloud_shapes("acme"), form="json")

    report = capsys.readouterr().out
    said = set(re.findall(r"[\w.-]+", report))
    known = {word for word in words_of(clinic.cloud.world) if len(word) > 1} | {"acme", clinic.cloud.token}
    assert len(known) > 60
    assert (code, json.loads(report)["ok"]) == (0, True)
    assert known & said == set()
    assert not [word for word in (*known, clinic.cloud.url) if not word.isalpha() and word in report]
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", report)


async def test_nothing_is_written(clinic: Clinic) -> None:
    await looked(clinic)

    assert {one.method for one in clinic.cloud.requests.seen} == {"GET"}


async def test_a_cloud_without_a_list_is_said_to_have_none(clinic: Clinic) -> None:
    clinic.cloud.quirks.list_status = 404

    found = await looked(clinic)

    assert (found[UPGRADES].state, found[UPGRADES].text) == (State.WARNING, "not answered (404)")
    assert found[f"{UPGRADES}?statuses="].state is State.UNKNOWN


@pytest.mark.parametrize(
    ("status", "said"), [(403, "the token may not read them (403)"), (404, "this tenant has none (404)")]
)
async def test_it_says_whether_alerts_may_be_read(clinic: Clinic, status: int, said: str) -> None:
    clinic.cloud.faults.add(Fault(path="*/alerts/*", status=status, times=None))

    found = await looked(clinic)

    assert found[ALERTS].text == said


async def test_other_spellings_of_the_same_are_told_apart(clinic: Clinic) -> None:
    """Slugs in a wrapper, times with fractions and offsets, null in place of nothing, fields that nobody knows."""
    quirks = clinic.cloud.quirks
    quirks.slug_objects = quirks.fractions = quirks.nulls = True
    quirks.offset_hours, quirks.extra = 1, {"plannedBy": {"secret-team": 1}, "secret team": 2}
    await schedule(clinic)

    found = await looked(clinic)

    assert "slug (object with slugValue)" in found["GET /api/v1/orgs/{org}/environments"].text
    assert "createdAt (time with fractions and an offset)" in found[UPGRADES].text
    assert "reason (null)" in found[UPGRADES].text
    assert "plannedBy (object)" in found[UPGRADES].text
    assert "secret" not in found[UPGRADES].text


async def test_without_clusters_there_is_less_to_ask(clinic: Clinic) -> None:
    clinic.cloud.organisation().clusters.clear()

    found = await looked(clinic)

    assert found["GET /api/v1/orgs/{org}/clusters/{}/{}/pools"].text == "not asked: no cluster is listed"
    assert found[ALERTS].state is State.UNKNOWN


@pytest.mark.parametrize("answer", [{"payments": {"slug": "orders"}}, "payments", {"content": {"payments": 1}}, None])
async def test_an_answer_in_another_shape_shows_nothing_of_itself(clinic: Clinic, answer: object) -> None:
    """An object keyed by names, where a list is due, would show names."""
    async with scripted(lambda _: web.json_response(answer)) as script:
        clinic.changes["acloud_api_endpoint"] = script.url
        found = await clinic.examine(cloud_shapes("acme"))

    assert found[1].text == "answers in a shape that the bot cannot read"
    assert not [one for one in found if "payments" in one.text or "orders" in one.text]


async def test_what_the_bot_cannot_do_without_is_wrong(clinic: Clinic) -> None:
    clinic.cloud.faults.add(Fault(path="*/cluster-versions", status=403, times=None))

    finding = await clinic.only(State.WRONG, cloud_shapes("acme"))

    assert finding.about == "GET /api/v1/cluster-versions"


def test_an_organisation_is_named_by_its_slug() -> None:
    with pytest.raises(ValueError, match="is not a valid slug"):
        cloud_shapes("acme corp")
