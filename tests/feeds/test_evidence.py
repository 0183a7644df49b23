"""The evidence page says what the trail says, needs nothing else, and can be read by everybody."""

import os
import re
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import html5lib
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright
from sqlalchemy import update

from bot.audit_output import NameOf, write_report
from bot.doctor.examples import judged
from bot.domain.change import ChangePattern, ChangeRule
from bot.domain.readiness import ReadinessReading
from bot.domain.request import UpgradeRequest
from bot.feeds.evidence import evidence_page
from bot.store.storage import Storage
from bot.store.tables import AuditRow
from bot.store.transaction import transaction
from bot.workflow.transitions import card_facts, fact, readiness_facts, request_facts
from tests.builders import KIM, NOON, ROOS, SEM, a_rule, an_upgrade_request

MINUTE = timedelta(minutes=1)
PAGE = rb"/MediaBox \[0 0 (\d+)[.\d]* (\d+)[.\d]*\]"
A4_INSIDE_MARGINS = 680
"""Pixels of CSS: 210 mm without 15 mm on either side."""
NASTY = "<script>alert(1)</script> & \u202eevil\x00 <img src=x>"
CHANGE = ChangeRule(ChangePattern.parse("CHG[0-9]{7}"), "https://itsm.example.com/{change}")
REQUEST = an_upgrade_request(reason=NASTY, change="CHG0000001")


def facts(request: UpgradeRequest) -> Iterable[Any]:
    """Tell the story of a request that two approve and the cloud takes."""
    voted = request.cast(by=SEM, at=NOON)
    policy = request_facts(request, a_rule())["policy"]
    yield fact(request, "upgrade requested", at=NOON, actor=ROOS, facts=request_facts(request, a_rule(change=CHANGE)))
    for number, (who, after) in enumerate(((SEM, voted), (KIM, voted.cast(by=KIM, at=NOON)))):
        told = {"card": card_facts(request), "policy": policy, "comment": "looks good" if who is KIM else ""}
        told["readiness"] = readiness_facts(ReadinessReading(number=7, at=NOON, readiness=judged(request, alerts=1)))
        yield fact(after, "vote cast", at=NOON + (number + 1) * MINUTE, actor=who, facts=told)
    sent = {"version": request.to_version, "attempt": 1, "ignore_windows": False}
    yield fact(after, "submission sent", at=NOON + 3 * MINUTE, facts=sent)
    yield fact(after, "upgrade submitted", at=NOON + 4 * MINUTE, facts={"status": "REQUESTED", "identity": "u1"})
    yield fact(after, "status moved", at=NOON + 5 * MINUTE, facts={"status": "SUCCEEDED", "reason": "Cluster runs it."})
    compared = {"alerts": ["KubeNodeNotReady", "EtcdSlow"], "began_since_start": ["EtcdSlow"]}
    yield fact(after, "alerts compared", at=NOON + 20 * MINUTE, facts=compared)


@pytest.fixture
async def told(sqlite_url: str) -> str:
    """Give a database with the story in it."""
    storage = Storage.open(sqlite_url)
    await storage.take()
    async with storage.begin() as work:
        stored = await work.requests.add(REQUEST.cast(by=SEM, at=NOON).cast(by=KIM, at=NOON))
        for one in facts(REQUEST):
            await work.audit.append(one)
        await work.commit()
    assert stored.id == REQUEST.id
    await storage.close()
    return sqlite_url


async def page(url: str, folder: Path, name_of: NameOf | None = None) -> tuple[int, str]:
    output = folder / "evidence.html"
    code = await write_report(url, request=REQUEST.id, output=output, at=NOON, name_of=name_of)
    return code, output.read_text(encoding="utf-8")


async def test_the_page_tells_who_decided_on_what_and_what_came_of_it(told: str, tmp_path: Path) -> None:
    code, written = await page(told, tmp_path)

    assert code == 0
    assert "The chain of this request verifies." in written
    for expected in (ROOS, SEM, KIM, "CHG0000001", "Comment: looks good", "Approvals then: 2", "SUCCEEDED", "Attempts"):
        assert expected in written
    assert '<a href="https://itsm.example.com/CHG0000001">CHG0000001</a>' in written
    assert written.count("From version") >= 3, "the request, and what each approver's card showed"


async def test_the_rule_says_whether_emergencies_were_allowed(told: str, tmp_path: Path) -> None:
    _, written = await page(told, tmp_path)

    assert '<th scope="row">Emergencies may be submitted without approval</th><td>no</td>' in written


def an_event(kind: str, *, actor: str = SEM, **facts: object) -> dict[str, object]:
    return {
        "number": 1,
        "at": NOON.isoformat(),
        "kind": kind,
        "actor": actor,
        "organisation": "acme",
        "cluster": "production/web",
        "facts": facts,
        "previous": "",
        "hash": "h",
    }


def section(written: str, heading: str) -> str:
    return written.partition(f"<h2>{heading}")[2].partition("<h2>")[0]


def test_who_says_that_it_is_there_has_decided_and_what_the_bot_finds_has_not() -> None:
    """Both are told with what came of the submission."""
    by_people = [an_event("window stated", window_start=NOON.isoformat()), an_event("record adopted", actor=KIM)]
    written = evidence_page([*by_people, an_event("record adopted", actor="")], [], request="r", written_at=NOON)

    assert section(written, "Decisions").count("said that it is there") == 2
    assert "said that it is there, and stated the window" in section(written, "Decisions")
    answered = section(written, "What was sent")
    assert answered.count("Found in Avisi Cloud") == 2
    assert "Taken as scheduled, as an approver stated" in answered


def test_a_decision_under_another_rule_than_the_requests_says_which() -> None:
    asked = an_event("upgrade requested", policy={"required_approvals": 1, "zone": "UTC", "override": False})
    same = an_event("vote cast", policy={"required_approvals": 1, "zone": "UTC", "emergency": False})
    other = an_event("vote cast", policy={"required_approvals": 2, "zone": "UTC", "override": False})

    decisions = section(evidence_page([asked, same, other], [], request="r", written_at=NOON), "Decisions")

    assert decisions.count("Rule then") == 1
    assert "Rule then: Approvals required: 2" in decisions


def test_a_request_of_a_rollout_tells_who_approved_its_wave() -> None:
    votes = [{"member": one, "at": NOON.isoformat()} for one in (SEM, KIM)]
    asked = an_event("upgrade requested", actor=ROOS, rollout="rollout-1", wave=2, votes=votes)

    written = evidence_page([asked], [], request="r", written_at=NOON)

    assert '<th scope="row">Part of rollout</th><td>rollout-1</td>' in section(written, "What was requested")
    assert section(written, "Decisions").count("approved wave 2 of the rollout") == 2
    assert f"<td>{KIM}</td>" in section(written, "Decisions")


async def test_the_page_tells_readiness_then_and_after(told: str, tmp_path: Path) -> None:
    """As each approver's card had it, and which alerts began with the upgrade."""
    _, written = await page(told, tmp_path)

    known = section(written, "Readiness, then and after")
    assert known.count("Verdict: ready with warnings") == 2
    assert ">Wed 02 Dec 2026, 12:00:00<" in written
    assert "Node pools: workers: REPLACE" in known
    assert "Alerts firing: KubeNodeNotReady, EtcdSlow" in known
    assert "Alerts that began since the start: EtcdSlow" in known


async def test_names_stand_before_the_ids_where_they_are_asked_for(told: str, tmp_path: Path) -> None:
    """What nobody knows a name of stays as it is."""

    async def name_of(slack_id: str) -> str | None:
        return {"U0ROOS": "Roos <b>"}.get(slack_id)

    _, written = await page(told, tmp_path, name_of)

    assert "Roos &lt;b&gt; (U0ROOS)" in written
    assert "<td>U0KIM</td>" in written
    html5lib.HTMLParser(strict=True).parse(written)


async def test_a_page_of_a_changed_trail_says_so(told: str, tmp_path: Path) -> None:
    storage = Storage.open(told)
    async with transaction(storage.engines.write) as changing:
        await changing.run(update(AuditRow).where(AuditRow.number == 2).values(actor="U0OTTO"))
        await changing.commit()
    await storage.close()

    code, written = await page(told, tmp_path)

    assert code == 1
    assert "does not verify" in written
    assert "was changed after it was written" in written


async def test_an_unknown_request_writes_nothing(told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "evidence.html"

    assert await write_report(told, request="nobody", output=output, at=NOON, name_of=None) == 1
    assert not output.exists()
    assert "There is no request nobody" in capsys.readouterr().err


async def test_what_people_wrote_is_text_and_nothing_is_loaded(told: str, tmp_path: Path) -> None:
    _, written = await page(told, tmp_path)

    assert "<script" not in written
    assert "<img" not in written
    assert "\x00" not in written
    assert "\u202e" not in written
    assert "[U+202E]" in written
    elements = list(html5lib.parse(written, namespaceHTMLElements=False).iter())
    assert not {one.tag for one in elements} & {"script", "img", "link", "iframe", "object", "form"}
    assert [one.get("href") for one in elements if one.tag == "a"] == ["https://itsm.example.com/CHG0000001"]
    assert not any(word in written for word in ("@import", "url("))


async def test_the_page_is_valid_html(told: str, tmp_path: Path) -> None:
    """The parser raises at whatever the standard calls an error."""
    _, written = await page(told, tmp_path)

    html5lib.HTMLParser(strict=True).parse(written)


def test_events_of_0_1_0_say_what_was_not_recorded() -> None:
    """That version did not store what a card showed with each vote."""
    written = evidence_page([an_event("vote cast", seal="x")], [], request="r", written_at=NOON)

    assert "not recorded with this event" in written
    html5lib.HTMLParser(strict=True).parse(written)


async def test_axe_finds_no_violation_and_it_prints_on_a4(told: str, tmp_path: Path) -> None:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":  # noqa: TID251 - whether this is CI is said by the environment alone
            pytest.fail("there is no chromium to open the page in")
        pytest.skip("there is no chromium to open the page in")
    await page(told, tmp_path)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=flags)
        opened = await chromium.new_page()
        await opened.goto((tmp_path / "evidence.html").as_uri())
        results = await Axe().run(opened)
        printed = await opened.pdf(prefer_css_page_size=True)
        await opened.emulate_media(media="print")
        await opened.set_viewport_size({"width": A4_INSIDE_MARGINS, "height": 1000})
        too_wide = await opened.evaluate("document.documentElement.scrollWidth - innerWidth")
        await chromium.close()

    assert [one["id"] for one in results.response["violations"]] == []
    assert {(int(wide), int(high)) for wide, high in re.findall(PAGE, printed)} <= {(594, 841), (595, 842)}
    assert re.search(PAGE, printed)
    assert too_wide <= 0
