"""The modal "Schedule upgrade": drawn here and read here, so that the two cannot drift apart."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import chain
from typing import Any

from bot.domain.change import LONGEST, ChangeRule
from bot.domain.cluster import Cluster, ClusterIdentity
from bot.domain.findings import (
    ChangeMismatch,
    ChangeMissing,
    EmergencyNotAllowed,
    EmergencyTooFar,
    Finding,
    Frozen,
    NothingOffered,
    NotLongEnoughAfter,
    OutsideAllowed,
    ReasonMissing,
    ReasonTooLong,
    ReasonTooShort,
    StartMissing,
    TooFar,
    TooSoon,
    VersionNotChosen,
    VersionNotOffered,
)
from bot.domain.foreign import clean
from bot.domain.form import LONGEST_REASON, Form
from bot.domain.naming import Naming
from bot.domain.people import MemberId
from bot.domain.request import RequestId
from bot.notifications import blocks, readiness, rules, standing, text
from bot.notifications.blocks import Block
from bot.notifications.ids import ActionId, BlockId, CallbackId
from bot.slack.form import slots
from bot.slack.form.choices import cluster_select, version_select
from bot.slack.form.directory import Index
from bot.slack.payload import Payload, moment, pick
from bot.slack.payload import text as text_at
from bot.workflow.viewing import FormView

TITLE = "Schedule upgrade"
_TICKED = "yes"
_ERROR = 500
_SECONDS = range(10**9, 10**10)
"""Slack takes moments of ten digits only."""
_LONGEST_NAME = 200
"""A name that is longer is not carried along: the vendor's have at most 127 characters."""
_BLOCKS: dict[type[Finding], BlockId] = {
    VersionNotChosen: BlockId.VERSION,
    VersionNotOffered: BlockId.VERSION,
    NotLongEnoughAfter: BlockId.VERSION,
    StartMissing: BlockId.START,
    TooSoon: BlockId.START,
    TooFar: BlockId.START,
    Frozen: BlockId.START,
    OutsideAllowed: BlockId.START,
    ReasonMissing: BlockId.REASON,
    ReasonTooLong: BlockId.REASON,
    ReasonTooShort: BlockId.REASON,
    ChangeMissing: BlockId.CHANGE,
    ChangeMismatch: BlockId.CHANGE,
    EmergencyNotAllowed: BlockId.EMERGENCY,
    EmergencyTooFar: BlockId.EMERGENCY,
}
"""Where people read what is wrong; everything else is said at the cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModalMetadata:
    """What the modal carries unseen, so that every process knows of it what the one knew that opened it.

    Which request it replaces, the words of a command until there is a catalog to read them by, whether it was opened
    from App Home, and what the chosen cluster was called when it was drawn. `filled` tells the press apart that last
    filled in the start.
    """

    replaces: RequestId | None = None
    words: tuple[str, ...] = ()
    in_home: bool = False
    named: str = ""
    filled: str = ""

    def write(self) -> str:
        """Return it as private_metadata, of which Slack takes 3000 characters; a command has at most 300."""
        held = {
            "replaces": self.replaces,
            "words": self.words,
            "in_home": self.in_home,
            "named": self.named,
            "filled": self.filled,
        }
        kept = {name: value for name, value in held.items() if value}
        return json.dumps(kept, ensure_ascii=False) if kept else ""

    @classmethod
    def read(cls, view: Payload) -> "ModalMetadata":
        """Read it back; what cannot be read counts as nothing."""
        try:
            written = json.loads(text_at(view, "private_metadata") or "{}")
        except ValueError:
            return cls()
        replaces, words = text_at(written, "replaces"), pick(written, "words")
        return cls(
            replaces=RequestId(replaces) if replaces else None,
            words=tuple(map(str, words)) if isinstance(words, list) else (),
            in_home=pick(written, "in_home") is True,
            named=text_at(written, "named"),
            filled=text_at(written, "filled"),
        )


def draw(
    shown: FormView, *, index: Index, held: ModalMetadata, notes: Iterable[str] = (), whose: MemberId | None = None
) -> dict[str, object]:
    """Draw the modal for what is filled in; `notes` are sentences about what the command filled in.

    `whose` is who made the request from which it is filled in, if that is somebody else.
    """
    form = shown.form
    name = clean(shown.cluster.full_name) if shown.cluster else ""
    held = replace(held, named=name if len(name) <= _LONGEST_NAME else "")
    parts: list[Iterable[Block]] = [
        [blocks.context(f"This is a request of {text.mention(whose)}.")] if whose else (),
        (blocks.context(text.escape(note, SENTENCE)) for note in notes),
        [_cluster(index, shown)],
        [blocks.section(f"*{text.trusted(rules.refusal(shown.may_not), SENTENCE)}*")] if shown.may_not else (),
        facts(shown),
        _version(shown, index.naming),
        readiness.panel(shown.readiness) if shown.readiness else (),
        [_start(form, held)],
        slots.buttons(shown),
        [_ignore_windows(form)],
        [_override(form)] if shown.may_override else (),
        [_emergency(form)] if shown.may_be_emergency else (),
        [_change(shown.rule.change, form.change)] if shown.rule and shown.rule.change else (),
        [_reason(shown)],
    ]
    return blocks.View(
        type="modal",
        callback_id=CallbackId.SCHEDULE_UPGRADE,
        title=TITLE,
        submit="Request",
        close="Cancel",
        private_metadata=held.write(),
        blocks=blocks.at_most(blocks.MOST_VIEW_BLOCKS, list(chain.from_iterable(parts))),
    ).payload()


def read(view: Payload) -> Form:
    """Read what is filled in so far."""
    values, held = pick(view, "state", "values"), ModalMetadata.read(view)
    identity = text_at(values, BlockId.CLUSTER, ActionId.CLUSTER, "selected_option", "value")
    version = text_at(values, _version_block(identity), ActionId.VERSION, "selected_option", "value")
    start = pick(values, _start_block(held), ActionId.START, "selected_date_time")
    return Form(
        cluster_identity=ClusterIdentity(identity) if identity else None,
        version=version or None,
        start=moment(start),
        ignore_windows=bool(pick(values, BlockId.IGNORE_WINDOWS, ActionId.IGNORE_WINDOWS, "selected_options")),
        override=bool(pick(values, BlockId.OVERRIDE, ActionId.OVERRIDE, "selected_options")),
        reason=clean(text_at(values, BlockId.REASON, ActionId.REASON, "value")).strip(),
        named=held.named if version else "",
        emergency=bool(pick(values, BlockId.EMERGENCY, ActionId.EMERGENCY, "selected_options")),
        change=clean(text_at(values, BlockId.CHANGE, ActionId.CHANGE, "value")).strip(),
    )


def may_not(environment: str) -> dict[str, str]:
    """Return what stands at the cluster when the person may not request in its environment; the form says who may."""
    words = f"You may not request upgrades in {environment}. Choose another cluster, or ask somebody who may."
    return {str(BlockId.CLUSTER): text.one_line(words, _ERROR)}


def errors(view: Payload, findings: Iterable[Finding]) -> dict[str, str]:
    """Return what is wrong by the block at which it is said; only blocks that this view has."""
    drawn = [text_at(block, "block_id") for block in pick(view, "blocks") or () if pick(block, "type") == "input"]
    placed: dict[str, list[str]] = {}
    for finding in findings:
        wanted = _BLOCKS.get(type(finding), BlockId.CLUSTER)
        block_id = next((here for here in drawn if here == wanted or here.startswith(f"{wanted}:")), BlockId.CLUSTER)
        placed.setdefault(str(block_id), []).append(rules.advice(finding))
    return {block_id: text.one_line(" ".join(sentences), _ERROR) for block_id, sentences in placed.items()}


def _cluster(index: Index, shown: FormView) -> Block:
    select = cluster_select(index, shown.cluster, action_id=ActionId.CLUSTER, barred=shown.barred)
    return _input("Cluster", BlockId.CLUSTER, select, dispatch_action=True)


def _version(shown: FormView, naming: Naming) -> Iterable[Block]:
    if shown.cluster is None:
        return
    if not shown.on_offer:
        nothing_offered = NothingOffered(cluster=naming.cluster(shown.cluster), version=shown.cluster.version)
        yield blocks.section(text.escape(rules.sentence(nothing_offered), SENTENCE))
        return
    select = version_select(
        shown.on_offer, shown.form.version, recommended=shown.recommended, action_id=ActionId.VERSION
    )
    yield _input("Version", _version_block(shown.cluster.identity), select, dispatch_action=True)


def _start(form: Form, held: ModalMetadata) -> Block:
    picker: dict[str, object] = {"type": "datetimepicker", "action_id": ActionId.START}
    if form.start is not None and (seconds := int(form.start.timestamp())) in _SECONDS:
        picker["initial_date_time"] = seconds
    return _input(
        "Start date and time",
        _start_block(held),
        picker,
        hint=blocks.plain("in your device's time zone"),
        optional=not form.ignore_windows,
        dispatch_action=True,
    )


def _ignore_windows(form: Form) -> Block:
    says = "Start at the chosen time, even outside maintenance windows"
    return _checkbox(
        "Ignore maintenance windows", says, BlockId.IGNORE_WINDOWS, ActionId.IGNORE_WINDOWS, ticked=form.ignore_windows
    )


def _override(form: Form) -> Block:
    says = "Requires a reason and one extra approval"
    return _checkbox("Override freeze", says, BlockId.OVERRIDE, ActionId.OVERRIDE, ticked=form.override)


def _emergency(form: Form) -> Block:
    says = "Emergency: submit without approval"
    return _checkbox("Emergency", says, BlockId.EMERGENCY, ActionId.EMERGENCY, ticked=form.emergency)


def _change(rule: ChangeRule, filled_in: str) -> Block:
    field: dict[str, object] = {"type": "plain_text_input", "action_id": ActionId.CHANGE, "max_length": LONGEST}
    if filled_in:
        field["initial_value"] = clean(filled_in)[:LONGEST]
    return _input("Change", BlockId.CHANGE, field, hint=blocks.plain(f"such as {rule.pattern.example}"))


def _reason(shown: FormView) -> Block:
    demanded = shown.form.override or shown.form.emergency or (shown.rule is not None and shown.rule.reason_required)
    field: dict[str, object] = {
        "type": "plain_text_input",
        "action_id": ActionId.REASON,
        "multiline": True,
        "max_length": LONGEST_REASON,
    }
    if shown.form.reason:
        field["initial_value"] = clean(shown.form.reason)[:LONGEST_REASON]
    return _input("Reason", BlockId.REASON, field, optional=not demanded)


def _version_block(identity: str) -> str:
    """Return the block id of the version: another cluster makes it another field, so that the choice is forgotten."""
    return f"{BlockId.VERSION}:{identity}"


def _start_block(held: ModalMetadata) -> str:
    """Return the block id of the start: each press that fills it in makes it another field, as Slack keeps values."""
    return f"{BlockId.START}:{held.filled}" if held.filled else BlockId.START


def _input(label: str, block_id: str, element: Block, **more: object) -> Block:
    return {"type": "input", "block_id": str(block_id), "label": blocks.plain(label), "element": element, **more}


def _checkbox(label: str, says: str, block_id: str, action_id: str, *, ticked: bool) -> Block:
    option = {"text": blocks.plain(says, 75), "value": _TICKED}
    element: dict[str, Any] = {"type": "checkboxes", "action_id": str(action_id), "options": [option]}
    if ticked:
        element["initial_options"] = [option]
    return _input(label, block_id, element, optional=True, dispatch_action=True)


SENTENCE = 2000
"""The longest sentence that the modal shows."""


def facts(shown: FormView) -> Iterable[Block]:
    """Draw what is known about the chosen cluster, and what a person should note before asking."""
    cluster = shown.cluster
    if cluster is None:
        return
    channel = text.escape(cluster.channel) if cluster.channel else "none"
    if cluster.channel and cluster.channel_version:
        channel += f", currently {text.escape(cluster.channel_version)}"
    yield blocks.fields(
        f"*Current version*\n{text.escape(cluster.version)}",
        f"*Update channel*\n{channel}",
        f"*Maintenance windows*\n{_windows(cluster, shown.windows_zone)}",
        f"*{_estimate_label(shown)}*\n{_estimate(shown)}",
    )
    for broken in shown.broken:
        yield blocks.alert(f"*Cannot be requested:* {text.escape(rules.advice(broken), SENTENCE)}", level="error")
    if (scheduled := shown.scheduled) is not None:
        to = text.escape(scheduled.to_version, 80)
        said = f"*Please note:* An upgrade to {to} is already scheduled. A new request reschedules it."
        yield blocks.alert(said, level="warning")
        window = f" Its window: {text.span(scheduled.window)}." if scheduled.window else ""
        yield blocks.context(f"{standing.status_line(scheduled)}{window}")
    for note in _notes(shown):
        yield blocks.alert(f"*Please note:* {note}", level="warning")


def _notes(shown: FormView) -> Iterable[str]:
    if (waiting := shown.waiting) is not None:
        yield (
            f"{text.mention(waiting.requester)} has already requested {text.escape(waiting.to_version)}. "
            f"A new request replaces that one."
        )
    yield from (text.escape(rules.advice(note), SENTENCE) for note in shown.notes)


def _windows(cluster: Cluster, zone: tzinfo) -> str:
    schedule = cluster.schedule
    if schedule is None:
        return "none"
    listed = [window.words for window in schedule.windows[:7]]
    if more := len(schedule.windows) - len(listed):
        listed.append(f"{more} more")
    if not schedule.is_complete:
        listed.append("others could not be read" if listed else "could not be read")
    name = f" ({text.escape(schedule.name)})" if schedule.name else ""
    read = f", read in {zone}" if schedule.windows else ""
    return ("; ".join(listed) or "none") + (name if listed else "") + read


def _estimate(shown: FormView) -> str:
    if shown.estimate:
        return text.span(shown.estimate)
    return "choose one below" if shown.form.ignore_windows else "none can be given"


def _estimate_label(shown: FormView) -> str:
    return "Start" if shown.form.ignore_windows else "Expected window (Avisi Cloud confirms it)"


def loading(held: ModalMetadata) -> dict[str, object]:
    """Draw the view that fills itself once the clusters have been read."""
    return _view(held, blocks.section("Reading the clusters from Avisi Cloud. This form fills itself in a moment."))


def trouble(held: ModalMetadata, why: str) -> dict[str, object]:
    """Draw the view that says that the clusters cannot be read, with a way to try again."""
    reason = f"\n{text.escape(why)}" if why else ""
    return _view(
        held,
        blocks.section(f"The clusters could not be read from Avisi Cloud yet. The bot keeps trying.{reason}"),
        blocks.actions(blocks.button("Retry", action_id=ActionId.RETRY_LOADING, value="retry", style="primary")),
    )


def nothing(held: ModalMetadata, organisations: tuple[str, ...]) -> dict[str, object]:
    """Draw the view that says that there are no clusters at all."""
    where = ", ".join(text.escape(organisation) for organisation in organisations)
    return _view(held, blocks.section(f"There is nothing to upgrade: Avisi Cloud shows no clusters in {where}."))


def _view(held: ModalMetadata, *parts: blocks.Block) -> dict[str, object]:
    return blocks.View(
        type="modal",
        callback_id=CallbackId.LOADING,
        title=TITLE,
        close="Close",
        private_metadata=held.write(),
        blocks=parts,
    ).payload()
