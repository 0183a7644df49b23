"""The words for findings: one sentence for each, and what to do about it where there is a form to do it in."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from bot.domain.calendar import AllowedRange, Freeze
from bot.domain.findings import (
    Able,
    AboutTime,
    Action,
    AlreadyApproved,
    AlreadyRuns,
    CardChanged,
    ChangeMismatch,
    ChangeMissing,
    CheckTookTooLong,
    ClusterDown,
    ClusterGone,
    ClusterMoved,
    ClusterNotChosen,
    ClusterRenamed,
    ClusterWentOn,
    DeadlinePassed,
    EmergencyNeedsAnother,
    EmergencyNotAllowed,
    EmergencyOnlyByApprover,
    EmergencyTooFar,
    EmergencyUnapproved,
    Finding,
    Frozen,
    InRollout,
    ListUnread,
    MayNotRequest,
    MayNotUseBot,
    MoreApprovalsNeeded,
    NewerRequest,
    NextFit,
    NoApprovalToTakeBack,
    NobodyNow,
    NoListToLookIn,
    NoLongerApprover,
    NoLongerRequester,
    NothingFailed,
    NothingOffered,
    NothingToAcknowledge,
    NotInList,
    NotInRollout,
    NotItsTurn,
    NotLongEnoughAfter,
    NotNow,
    NotPermitted,
    NoWaveAsks,
    NoWindows,
    OnlyApprovers,
    OnlyApproversOfWave,
    OnlyOfRollout,
    OnlyRequester,
    OnlyRequesterOrApprovers,
    OutsideAllowed,
    OverridesFreeze,
    OwnUpgrade,
    PlanProblem,
    PressTooLate,
    ReasonMissing,
    ReasonTooLong,
    ReasonTooShort,
    RequestIs,
    RequestUnknown,
    RolloutChanged,
    RolloutIs,
    StartMissing,
    StillSoaks,
    TooFar,
    TooFewApprovers,
    TooManyOpen,
    TooSoon,
    UpgradeIs,
    VersionChanged,
    VersionNotChosen,
    VersionNotOffered,
    WaveAlreadyApproved,
    WaveExpired,
    WindowsUnread,
)
from bot.domain.people import AccountType, MemberId
from bot.domain.request import State
from bot.notifications import rules
from bot.notifications.text import said, when
from tests.builders import NEW, OLD, ROOS, SEM

WEB = "production/web"
AUDIT = Freeze(first=date(2026, 12, 5), last=date(2026, 12, 7), reason="Audit")
NIGHTS = AllowedRange(weekdays=(6,), start=time(2), end=time(6), text="sun 02:00-06:00")
DAYS = AllowedRange(weekdays=(0, 1), start=time(8), end=time(18), text="mon-tue 08:00-18:00")
A_DAY = timedelta(days=1)
SINCE = datetime(2026, 11, 28, 12, tzinfo=UTC)
AFTER_STAGING = NotLongEnoughAfter(
    version=NEW, environment="production", earlier="staging", wait=timedelta(days=3), since=None
)


def few(found: int, *, besides_requester: bool = True) -> TooFewApprovers:
    return TooFewApprovers(environment="production", approvals=2, found=found, besides_requester=besides_requester)


SAID: list[tuple[Finding, str]] = [
    (
        ChangeMissing(environment="production", example="CHG0000000"),
        "production requires a change number, such as CHG0000000.",
    ),
    (
        ChangeMismatch(change="CHG12", environment="production", example="CHG0000000"),
        '"CHG12" is not a valid change number of production. One looks like CHG0000000.',
    ),
    (ClusterNotChosen(), "Choose a cluster."),
    (ClusterGone(), "The cluster is no longer in the catalog of Avisi Cloud."),
    (ClusterGone(cluster=WEB), "production/web is no longer in the catalog of Avisi Cloud."),
    (
        ClusterRenamed(chosen="production/api", cluster=WEB),
        "What you chose as production/api is now called production/web. Please choose the cluster again.",
    ),
    (
        ClusterMoved(cluster="production/api", before=WEB),
        "The cluster is now called production/api; it was production/web when this was requested.",
    ),
    (
        VersionChanged(cluster=WEB, version=NEW, before=OLD),
        f"production/web now runs {NEW}; it ran {OLD} when this was requested.",
    ),
    (
        NothingOffered(cluster=WEB, version=OLD),
        f"No version is on offer to which production/web ({OLD}) can be upgraded.",
    ),
    (
        NothingOffered(cluster=WEB, version="nightly-7"),
        (
            'production/web runs "nightly-7", which the bot cannot compare with other versions, '
            "so it offers none: it might be a downgrade."
        ),
    ),
    (
        NothingOffered(cluster=WEB, version=""),
        (
            "Avisi Cloud does not say what production/web runs, which the bot cannot compare with other versions, "
            "so it offers none: it might be a downgrade."
        ),
    ),
    (VersionNotChosen(), "Choose a version."),
    (VersionNotOffered(version=NEW), "This version is no longer on offer."),
    (
        VersionNotOffered(version=NEW, cluster=WEB, runs=OLD),
        f"{NEW} is no longer on offer for production/web ({OLD}).",
    ),
    (AlreadyRuns(cluster=WEB, version=NEW), f"production/web already runs {NEW}."),
    (StartMissing(), "Choose a start: it is required while maintenance windows are ignored."),
    (TooSoon(lead=timedelta(minutes=5)), "Choose a time at least 5 minutes from now."),
    (TooFar(), "Choose a time within a year from now."),
    (Frozen(environment="production", freeze=AUDIT), "production is frozen Dec 5 to Dec 7 (Audit)."),
    (
        OutsideAllowed(environment="production", allowed=(DAYS, NIGHTS), zone=ZoneInfo("Europe/Amsterdam")),
        "Upgrades in production may only run mon-tue 08:00-18:00, sun 02:00-06:00 (Europe/Amsterdam).",
    ),
    (
        AFTER_STAGING,
        (
            f"{NEW} has to run in staging for 3 days before production can get it, "
            "and no upgrade to it has succeeded there yet."
        ),
    ),
    (
        NotLongEnoughAfter(
            version=NEW,
            environment="production",
            earlier="staging",
            wait=timedelta(days=3),
            since=SINCE,
        ),
        (
            f"{NEW} has to run in staging for 3 days before production can get it. "
            f"It has run there since {said(when(SINCE))}, so this is possible from {said(when(SINCE + 3 * A_DAY))}."
        ),
    ),
    (
        OverridesFreeze(environment="production", freeze=AUDIT, approvals=3),
        (
            "This overrides a freeze: production is frozen Dec 5 to Dec 7 (Audit). "
            "It requires a reason and 3 approvals, one more than usual."
        ),
    ),
    (
        OverridesFreeze(environment="production", freeze=AUDIT, approvals=1),
        (
            "This overrides a freeze: production is frozen Dec 5 to Dec 7 (Audit). "
            "It requires a reason and 1 approval, one more than usual."
        ),
    ),
    (ReasonMissing(environment="production"), 'production requires a reason, such as "CVE-2026-31337 in the kubelet".'),
    (ReasonMissing(environment="production", override=True), "Say why the freeze has to be overridden."),
    (ReasonTooLong(most=500), "The reason is too long: use at most 500 characters."),
    (ReasonTooShort(least=10), "Say in at least 10 characters why this is an emergency."),
    (
        EmergencyNotAllowed(environment="production"),
        "production does not allow emergencies. Untick Emergency to request it for approval.",
    ),
    (
        EmergencyTooFar(within=timedelta(hours=24)),
        "An emergency has to begin within 1 day. Choose an earlier time, or untick Emergency.",
    ),
    (
        EmergencyOnlyByApprover(member=SEM, environment="production"),
        f"Only approvers of production may request an emergency, and <@{SEM}> is not one.",
    ),
    (
        EmergencyNeedsAnother(environment="production"),
        (
            "An emergency in production needs another approver to acknowledge it, and there is none. "
            "Untick Emergency to request it for approval."
        ),
    ),
    (
        EmergencyUnapproved(),
        (
            "An emergency is submitted without approval. The other approvers and whoever is on call are told at once, "
            "and one of them has to acknowledge it. It expires after an hour."
        ),
    ),
    (
        ClusterDown(cluster=WEB, status="STOPPING"),
        "production/web is stopping, so an upgrade of it may never start.",
    ),
    (
        NoWindows(cluster=WEB),
        "production/web has no maintenance windows, so the upgrade may never start unless they are ignored.",
    ),
    (
        WindowsUnread(cluster=WEB, some=False),
        "The maintenance windows of production/web could not be read, so no window can be estimated.",
    ),
    (
        WindowsUnread(cluster=WEB, some=True),
        (
            "Some maintenance windows of production/web could not be read, "
            "so the upgrade may begin before the estimated one."
        ),
    ),
    (
        NoLongerRequester(member=ROOS, environment="production"),
        f"<@{ROOS}> may no longer request upgrades in production.",
    ),
    (
        InRollout(name="Winter", version=NEW),
        (
            f"This cluster is in the rollout Winter to {NEW}, which has not ended. "
            "This request takes the cluster over: the rollout leaves it out."
        ),
    ),
    (NoLongerApprover(member=SEM), f"<@{SEM}> may no longer approve."),
    (MoreApprovalsNeeded(approvals=2), "2 approvals are now required."),
    (
        few(0),
        (
            "production needs 2 approvals, but nobody else may give one, so this could never be approved. "
            "Ask whoever maintains the bot's policy to name more approvers."
        ),
    ),
    (
        few(1),
        (
            "production needs 2 approvals, but only 1 other person may give one, so this could never be approved. "
            "Ask whoever maintains the bot's policy to name more approvers."
        ),
    ),
    (
        few(1, besides_requester=False),
        (
            "production needs 2 approvals, but only 1 person may give one, so this could never be approved. "
            "Ask whoever maintains the bot's policy to name more approvers."
        ),
    ),
]


@pytest.mark.parametrize(("finding", "sentence"), SAID)
def test_a_finding_is_said_in_one_way(finding: Finding, sentence: str) -> None:
    """Whoever reads an alert has no form before them, so it comes without advice for one."""
    assert rules.sentence(finding) == sentence


FIT = NextFit(start=datetime(2026, 12, 13, 2, tzinfo=UTC), zone=ZoneInfo("Europe/Amsterdam"))
NEXT = "The next time that fits is Sun 13 Dec, 03:00 CET."
OF_TIME: tuple[AboutTime, ...] = (
    Frozen(environment="production", freeze=AUDIT),
    OutsideAllowed(environment="production", allowed=(DAYS,), zone=UTC),
    AFTER_STAGING,
    StartMissing(),
    TooSoon(lead=timedelta(minutes=5)),
    TooFar(),
)


def test_every_finding_has_words() -> None:
    """A new kind of finding is added to the examples above."""
    assert {type(finding) for finding, _ in SAID} == set(get_args(Finding))


@pytest.mark.parametrize(
    ("finding", "advice"),
    [
        (Frozen(environment="production", freeze=AUDIT), " Choose another time."),
        (
            Frozen(environment="production", freeze=AUDIT, can_override=True),
            " Choose another time. Tick Override freeze if it cannot wait.",
        ),
        (OutsideAllowed(environment="production", allowed=(DAYS,), zone=UTC), " Choose another time."),
        (AFTER_STAGING, ""),
        *((replace(one, next_fit=FIT), f" {NEXT}") for one in OF_TIME),
        (
            Frozen(environment="production", freeze=AUDIT, can_override=True, next_fit=FIT),
            f" {NEXT} Tick Override freeze if it cannot wait.",
        ),
        (ClusterGone(cluster=WEB), ""),
    ],
)
def test_advice_says_what_can_be_done_in_the_form(finding: Finding, advice: str) -> None:
    """Another time helps against freezes and allowed times; an override only where the person may."""
    assert rules.advice(finding) == rules.sentence(finding) + advice


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(days=3), "3 days"),
        (timedelta(weeks=2), "14 days"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=30), "30 minutes"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=20), "20 seconds"),
        (timedelta(seconds=1), "1 second"),
    ],
)
def test_a_length_is_said_in_the_largest_unit_that_makes_it_whole(span: timedelta, words: str) -> None:
    """As long as it is, neither rounded up nor down to nothing."""
    assert rules.length(span) == words


def able(*members: MemberId, everyone: bool = False, action: Action = Action.DECIDE) -> Able:
    return Able(action=action, everyone=everyone, members=members)


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (MayNotUseBot(account_type=AccountType.BOT), "Bots cannot use this bot."),
        (
            MayNotUseBot(account_type=AccountType.GUEST, instead=OnlyRequester(requester=ROOS)),
            f"Guests cannot use this bot. Only the requester, <@{ROOS}>, may withdraw this request.",
        ),
        (
            MayNotUseBot(account_type=AccountType.GUEST, instead=able(SEM)),
            f"Guests cannot use this bot. These people can decide now: <@{SEM}>.",
        ),
        (
            MayNotRequest(environment="production", able=able(SEM, ROOS, action=Action.REQUEST_THERE)),
            (f"You may not request upgrades in production. These people can request them: <@{SEM}>, <@{ROOS}>."),
        ),
        (
            OnlyApprovers(environment="production", able=NobodyNow(state=State.REJECTED)),
            "Only approvers of production may do this. It is already rejected.",
        ),
        (
            OwnUpgrade(able=able(everyone=True, action=Action.REJECT)),
            ("You requested this upgrade, so somebody else has to decide. Any other full member can still reject it."),
        ),
        (
            OnlyRequesterOrApprovers(requester=ROOS, environment="production", able=able(action=Action.TRY_AGAIN)),
            (f"Only the requester, <@{ROOS}>, or an approver of production may do this. Nobody else can do it."),
        ),
    ],
)
def test_a_refusal_says_why_and_who_could(why: NotPermitted, words: str) -> None:
    """In the state that the request is in, for people who may act now."""
    assert rules.refusal(why) == words


def test_of_many_who_could_ten_are_named() -> None:
    """The others are counted."""
    many = able(*(MemberId(f"U{number}") for number in range(13)))

    assert rules.refusal(OwnUpgrade(able=many)).endswith("<@U9> and 3 more.")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.PENDING_APPROVAL, "still waits for approval"),
        (State.APPROVED, "is already approved"),
        (State.SUBMITTING, "is already being submitted"),
        (State.SUBMITTED, "is already submitted"),
        (State.SUBMISSION_FAILED, "could not be submitted"),
        (State.SUBMISSION_UNCLEAR, "may have reached Avisi Cloud or not"),
        (State.REJECTED, "is already rejected"),
        (State.WITHDRAWN, "is already withdrawn"),
        (State.EXPIRED, "is already expired"),
        (State.REPLACED, "is already replaced"),
    ],
)
def test_a_late_press_is_told_where_the_request_stands(state: State, words: str) -> None:
    assert rules.refusal(RequestIs(state=state)) == f"This request {words}, so nothing was changed."


LATE = datetime(2026, 12, 5, 2, tzinfo=UTC)
NOT_NOW: list[tuple[NotNow | NotInRollout, str]] = [
    (
        RequestIs(state=State.REJECTED, by=SEM),
        f"This request is already rejected by <@{SEM}>, so nothing was changed.",
    ),
    (
        PressTooLate(deadline=LATE),
        (
            f"This request expired on {when(LATE)}, so your press came too late and nothing was changed. "
            f"It can be requested again."
        ),
    ),
    (
        DeadlinePassed(deadline=LATE),
        (
            f"The deadline of this request passed on {when(LATE)}, so it is not submitted again. "
            f"It can be rescheduled or withdrawn."
        ),
    ),
    (RequestUnknown(), "This request is no longer known, so nothing was changed."),
    (NewerRequest(), "There is a newer request for this cluster, so this one cannot go on."),
    (
        CardChanged(),
        (
            "What this card showed has changed, so your press did not count. "
            "Please look at the card as it is now and decide again."
        ),
    ),
    (AlreadyApproved(count=1, required=2), "Your approval is already counted: 1 of 2."),
    (NoApprovalToTakeBack(), "You have not approved this request, so there is nothing to take back."),
    (
        NotInList(),
        (
            "Avisi Cloud's list does not show this upgrade. "
            "Press Submit again to send it once more, or look for it in the Console."
        ),
    ),
    (
        ListUnread(why="Avisi Cloud answered 502."),
        (
            "Avisi Cloud's list could not be read just now: Avisi Cloud answered 502. "
            "Please press It is there again in a minute."
        ),
    ),
    (
        NoListToLookIn(),
        "Avisi Cloud offers no list to look in. Please press It is there again, and state the window.",
    ),
    (NothingToAcknowledge(by=None), "There is nothing left to acknowledge."),
    (NothingToAcknowledge(by=SEM), f"There is nothing left to acknowledge: <@{SEM}> has acknowledged it."),
    (UpgradeIs(status="IN_PROGRESS"), "This upgrade is running, so it cannot be rescheduled."),
    (UpgradeIs(status="SUCCEEDED"), "This upgrade has already succeeded, so it cannot be rescheduled."),
    (
        TooManyOpen(most=20),
        (
            "You already have 20 open requests, the most that one person may have. "
            "Withdraw one, or wait until one of them is submitted or ends; App Home lists yours."
        ),
    ),
    (CheckTookTooLong(), "That took too long to check. Please press the button again."),
    (
        OnlyApproversOfWave(environments=("staging", "production"), everyone=False, able=(SEM,)),
        f"Only approvers of staging or production may do this. These people can do it: <@{SEM}>.",
    ),
    (
        OnlyOfRollout(requester=ROOS, everyone=False, able=(ROOS, SEM)),
        (
            f"Only <@{ROOS}> or an approver of one of its environments may do this. "
            f"These people can do it: <@{ROOS}>, <@{SEM}>."
        ),
    ),
    (RolloutIs(state="HALTED"), "This rollout is halted, so nothing was changed."),
    (
        RolloutChanged(),
        "This rollout has changed since its card was drawn, so your press did not count. Please look again.",
    ),
    (NoWaveAsks(state="RUNNING"), "No wave of this rollout waits for approval: it is running."),
    (WaveAlreadyApproved(), "Your approval of this wave is already counted."),
    (WaveExpired(), "The time to approve this wave is over."),
    (StillSoaks(), "The wave before it is still soaking."),
    (NotItsTurn(), "It is not this cluster's turn yet."),
    (NothingFailed(), "No cluster of this wave has failed, so there is nothing to retry."),
    (ClusterWentOn(), "This cluster of the rollout has moved on, so nothing was changed."),
    (PlanProblem(field="name", kind="length"), "Name: Give it a name of at most 60 characters."),
    (PlanProblem(field="wave 2", kind="twice", detail=WEB), f"Wave 2: {WEB} stands in two waves."),
    (PlanProblem(field="at once", kind="range"), "At once: Choose one of the values on offer."),
]


@pytest.mark.parametrize(("why", "words"), NOT_NOW)
def test_a_refusal_says_what_is_the_matter(why: NotNow | NotInRollout, words: str) -> None:
    assert rules.refusal(why) == words


def test_every_reason_is_in_the_list() -> None:
    """A new one needs its words, and a look at them."""
    assert {type(why) for why, _ in NOT_NOW} == {*get_args(NotNow), *get_args(NotInRollout)}


def test_several_reasons_are_told_one_after_another_and_each_once() -> None:
    assert rules.refusal(ClusterNotChosen(), VersionNotChosen(), ClusterNotChosen()) == (
        "Choose a cluster. Choose a version."
    )


def test_no_name_in_a_refusal_is_a_mention() -> None:
    """Only those who could do it are mentioned, whatever an environment is called."""
    why = OnlyApprovers(environment="<@U0VICTIM>", able=able(SEM))

    assert rules.refusal(why) == f"Only approvers of (@U0VICTIM) may do this. These people can decide now: <@{SEM}>."
