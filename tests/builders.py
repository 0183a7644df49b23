"""Builders: each makes a valid value, and a test names only what it is about."""
# ruff: noqa: ANN401 - a builder takes whatever the fields are

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from bot.domain.cluster import Catalog, Cluster, ClusterIdentity, Environment, Organisation
from bot.domain.events import About, Answered, VoteCast
from bot.domain.form import Form
from bot.domain.people import AccountType, Member, MemberId
from bot.domain.policy import Policy, Rule
from bot.domain.request import RequestId, UpgradeRequest
from bot.domain.scheduled import Move, Reading, ScheduledUpgrade, UpgradeIdentity
from bot.domain.windows import MaintenanceSchedule, WeeklyWindow, Window
from bot.workflow.inbox import ButtonPressed, FormSubmitted, Press
from bot.workflow.outbox import Kind, OutboxMessage
from bot.workflow.repositories import Fact

ROOS = MemberId("U0ROOS")
"""Asks for upgrades."""
SEM = MemberId("U0SEM")
"""Approves them."""
KIM = MemberId("U0KIM")
"""Approves them too."""
GUS = MemberId("U0GUS")
"""A guest."""
NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
"""A Monday."""
ACME = Organisation("acme")
CHANNEL = "C0UPGRADES"
WEB = ClusterIdentity("0b54a5bd-0a1c-4d2c-9d84-5a3f3b7a1c01")
"""The cluster `production/web`."""
DATA = ClusterIdentity("0b54a5bd-0a1c-4d2c-9d84-5a3f3b7a1c02")
"""The cluster `staging/data`."""
OLD = "v1.30.6-u-ame.3"
NEW = "v1.31.4-u-ame.2"


def a_window(start: datetime = NOON + timedelta(days=1), *, hours: float = 3.0) -> Window:
    """Build a window of some hours."""
    return Window(start=start, end=start + timedelta(hours=hours))


def a_schedule(**changes: Any) -> MaintenanceSchedule:
    """Build a maintenance schedule with one window, Sunday 02:00 for 3 h."""
    values: dict[str, Any] = {
        "identity": "schedule-1",
        "name": "weekend",
        "windows": (WeeklyWindow(weekday=6, start=time(2), minutes=180),),
    }
    return MaintenanceSchedule(**(values | changes))


def a_cluster(**changes: Any) -> Cluster:
    """Build the cluster `production/web` of acme."""
    values: dict[str, Any] = {
        "identity": WEB,
        "organisation": ACME,
        "environment": "production",
        "slug": "web",
        "name": "Web",
        "version": OLD,
        "status": "running",
        "channel": "stable",
        "channel_version": NEW,
        "schedule": a_schedule(),
    }
    return Cluster(**(values | changes))


def a_catalog(*clusters: Cluster, **changes: Any) -> Catalog:
    """Build acme's catalog; without clusters it holds `production/web` and `staging/data`."""
    values: dict[str, Any] = {
        "organisation": ACME,
        "fetched_at": NOON,
        "clusters": clusters
        or (a_cluster(), a_cluster(identity=DATA, environment="staging", slug="data", name="Data")),
        "environments": (
            Environment(organisation=ACME, slug="production", name="Production", kind="production"),
            Environment(organisation=ACME, slug="staging", name="Staging", kind="staging"),
        ),
        "versions": (OLD, NEW),
    }
    return Catalog(**(values | changes))


def an_upgrade_request(**changes: Any) -> UpgradeRequest:
    """Build Roos's request to upgrade `production/web`, pending approval, each with an id of its own."""
    values: dict[str, Any] = {
        "id": RequestId(str(uuid4())),
        "organisation": ACME,
        "cluster_identity": WEB,
        "environment": "production",
        "cluster": "web",
        "from_version": OLD,
        "to_version": NEW,
        "start": None,
        "ignore_windows": False,
        "override": False,
        "reason": "CVE fixes",
        "requester": ROOS,
        "requested_at": NOON,
        "deadline": NOON + timedelta(hours=48),
        "required": 1,
        "channel": CHANNEL,
        "state_since": NOON,
    }
    return UpgradeRequest(**(values | changes))


def a_scheduled_upgrade(**changes: Any) -> ScheduledUpgrade:
    """Build the cloud's record of an upgrade of `production/web`, as stored."""
    values: dict[str, Any] = {
        "organisation": ACME,
        "identity": UpgradeIdentity("5f3c1d52-7a55-4a43-8a5e-1f0d8f2f1a01"),
        "cluster_identity": WEB,
        "environment": "production",
        "cluster": "web",
        "from_version": OLD,
        "to_version": NEW,
        "status": "SCHEDULED",
        "status_since": NOON,
        "window": a_window(),
    }
    return ScheduledUpgrade(**(values | changes))


def a_reading(**changes: Any) -> Reading:
    """Build what the API says about the upgrade of `a_scheduled_upgrade`."""
    values: dict[str, Any] = {
        "identity": UpgradeIdentity("5f3c1d52-7a55-4a43-8a5e-1f0d8f2f1a01"),
        "cluster_identity": WEB,
        "status": "SCHEDULED",
        "window": a_window(),
        "from_version": OLD,
        "to_version": NEW,
        "cluster": "web",
        "environment": "production",
    }
    return Reading(**(values | changes))


def a_move(**changes: Any) -> Move:
    """Build the first move of an upgrade: it became SCHEDULED."""
    values: dict[str, Any] = {
        "number": 1,
        "seen_at": NOON,
        "status": "SCHEDULED",
        "from_status": "REQUESTED",
        "window": a_window(),
        "from_window": None,
    }
    return Move(**(values | changes))


def a_member(member: MemberId = SEM, **changes: Any) -> Member:
    """Build a full member."""
    values: dict[str, Any] = {"id": member, "name": member.removeprefix("U0").title(), "account_type": AccountType.FULL}
    return Member(**(values | changes))


def a_rule(**changes: Any) -> Rule:
    """Build production's rule: Sem and Kim approve, one approval."""
    values: dict[str, Any] = {"environment": "production", "channel": CHANNEL, "approvers": (SEM, KIM)}
    return Rule(**(values | changes))


def a_policy(rule: Rule | None = None, **changes: Any) -> Policy:
    """Build a policy in which one rule is everybody's."""
    values: dict[str, Any] = {"default": rule or a_rule()}
    return Policy(**(values | changes))


def a_form(**changes: Any) -> Form:
    """Build a form filled in for `production/web`."""
    values: dict[str, Any] = {"cluster_identity": WEB, "version": NEW, "reason": "CVE fixes"}
    return Form(**(values | changes))


def about(request: UpgradeRequest | None = None) -> About:
    """Build what an event about a request is about."""
    one = request or an_upgrade_request()
    return About(
        organisation=one.organisation,
        environment=one.environment,
        cluster=one.cluster,
        from_version=one.from_version,
        to_version=one.to_version,
        request_id=one.id,
        requester=one.requester,
        upgrade=one.upgrade,
    )


def a_vote_cast(request: UpgradeRequest | None = None, **changes: Any) -> VoteCast:
    """Build the event that Sem approved."""
    values: dict[str, Any] = {"about": about(request), "by": SEM, "count": 1, "required": 2}
    return VoteCast(**(values | changes))


def an_answer(text: str = "Your approval is counted.") -> Answered:
    """Build a private answer."""
    return Answered(about=about(), text=text)


def an_outbox_message(key: str, *, queue: str = "card:1", **changes: Any) -> OutboxMessage:
    """Build an outbox message: a line in a thread, unless told otherwise."""
    values: dict[str, Any] = {"queue": queue, "key": key, "kind": Kind.THREAD, "event": a_vote_cast()}
    return OutboxMessage(**(values | changes))


def a_submitted_form(**changes: Any) -> FormSubmitted:
    """Build an inbox entry: Roos pressed Request."""
    values: dict[str, Any] = {"member": ROOS, "organisation": ACME, "form": a_form()}
    return FormSubmitted(**(values | changes))


def a_press(request: UpgradeRequest | None = None, **changes: Any) -> ButtonPressed:
    """Build an inbox entry: Sem pressed Approve on a request's card."""
    one = request or an_upgrade_request()
    values: dict[str, Any] = {"member": SEM, "press": Press.APPROVE, "request_id": one.id, "seal": one.seal}
    return ButtonPressed(**(values | changes))


def a_fact(request_id: str = "request-1", **changes: Any) -> Fact:
    """Build an audit event before it is chained: Sem voted."""
    values: dict[str, Any] = {
        "kind": "vote_cast",
        "at": NOON,
        "request_id": request_id,
        "actor": SEM,
        "organisation": ACME,
        "cluster": "production/web",
        "facts": {"count": 1, "required": 2, "rule": ["1 approval"]},
    }
    return Fact(**(values | changes))
