"""Renders the answers to `list`, `status` and `help`, and to what was not understood."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from bot.domain.naming import PLAIN, Naming
from bot.domain.people import EVERYONE
from bot.domain.policy import Policy, Rule
from bot.domain.request import State, UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade
from bot.notifications import blocks, phrases, readiness
from bot.notifications.blocks import Block, Message
from bot.notifications.text import escape, mention, said, span, units, when
from bot.workflow.repositories import Feed
from bot.workflow.viewing import ClusterView, Overview

_SECTION = 2900
_MOST_SHOWN = 5000
"""Characters of the lines that `list` shows, so that the whole message stays under 9,000."""
_MOST_SPOKEN = 2000
_LINES_SPOKEN = 12
_MOST_FEEDS = 4
_SEVERAL = (
    "Where two organisations use the same name, put the organisation first: `ORGANISATION/ENVIRONMENT/CLUSTER`; "
    "`list` also takes `ORGANISATION/ENVIRONMENT` and `ORGANISATION`."
)


def overview(shown: Overview, *, where: str = "", naming: Naming = PLAIN) -> Message:
    """List running upgrades first, then scheduled ones by window, then requests that wait for people."""
    running = [upgrade for upgrade in shown.upgrades if upgrade.status == "IN_PROGRESS"]
    coming = [upgrade for upgrade in shown.upgrades if upgrade.status != "IN_PROGRESS"]
    within = f" in {escape(where)}" if where else ""
    total = len(running) + len(coming) + len(shown.requests)
    if not total:
        unread = any(feed.read_at is None for feed in shown.feeds)
        nothing = f"No upgrade is {'known yet' if unread else 'scheduled, running or waiting'}{within}."
        return blocks.message(nothing, blocks.section(nothing), *_fresh(shown.feeds))
    title = (
        f"{_count(len(running), 'upgrade')} running, {len(coming)} scheduled, "
        f"{_count(len(shown.requests), 'request')} waiting{within}."
    )
    if shown.more:
        title += f" Only the first {len(shown.upgrades)} upgrades are counted."
    parts = {
        "Running": [_upgrade_line(upgrade, naming) for upgrade in running],
        "Scheduled": [_upgrade_line(upgrade, naming) for upgrade in coming],
        "Requests not yet submitted": [_request_line(request, naming) for request in shown.requests],
    }
    listed = _fitting(parts, _MOST_SHOWN)
    lines = [line for part in listed.values() for line in part]
    spoken = next(iter(_fitting({"": [f"{said(line)}." for line in lines]}, _MOST_SPOKEN).values()))[:_LINES_SPOKEN]
    return blocks.message(
        _spoken(title, *spoken, *_more(total - len(spoken), where)),
        blocks.section(f"*{title}*"),
        *(block for name, part in listed.items() for block in _part(name, part)),
        *(blocks.section(more) for more in _more(total - len(lines), where)),
        *_fresh(shown.feeds),
    )


def one_cluster(shown: ClusterView, *, naming: Naming = PLAIN) -> Message:
    """Show what is known about one cluster."""
    cluster = shown.cluster
    channel = f", update channel {escape(cluster.channel)}" if cluster.channel else ""
    title = f"*{escape(naming.cluster(cluster))}* runs {escape(cluster.version)}{channel}."
    upgrades = [_upgrade_line(upgrade, naming) + _why(upgrade) for upgrade in shown.upgrades]
    requests = [_request_line(request, naming) for request in shown.requests]
    if not upgrades and not requests:
        title += " No upgrade of it is known here."
    said = _spoken(title, *(f"{line}." for line in [*upgrades, *requests]), *_readiness_spoken(shown))
    return blocks.message(
        said,
        blocks.section(title),
        *(readiness.answer(shown.readiness, target=shown.target) if shown.readiness else ()),
        *_part("Upgrades, newest first", upgrades),
        *_part("Requests", requests),
        *_fresh([shown.feed]),
    )


def filled_in(shown: ClusterView, *, naming: Naming = PLAIN) -> Message:
    """Show a cluster's readiness, now that Avisi Cloud has answered what the answer to `status` still lacked."""
    title = f"*{escape(naming.cluster(shown.cluster))}*, now that Avisi Cloud has answered:"
    drawn = readiness.answer(shown.readiness, target=shown.target) if shown.readiness else ()
    return blocks.message(_spoken(title, *_readiness_spoken(shown)), blocks.section(title), *drawn)


def _readiness_spoken(shown: ClusterView) -> list[str]:
    if shown.readiness is None:
        return []
    return [f"Readiness for {escape(shown.target, 80)}: {readiness.card_line(shown.readiness)}."]


def explained(command: str, policy: Policy, *, naming: Naming = PLAIN) -> Message:
    """Show the help."""
    name = escape(command)
    usage = "\n".join(
        (
            f"`{name}` opens the form.",
            f"`{name} CLUSTER [VERSION] [WHEN]` opens it filled in; WHEN is read in your own time zone.",
            f"For example `{name} staging/payments 1.31 tomorrow 22:00`.",
            f"`{name} list [ENVIRONMENT]` lists what is scheduled, running and waiting.",
            f"`{name} status CLUSTER` shows what one cluster runs, and its latest upgrades and requests.",
            f"`{name} rollout` plans one version for many clusters, in waves; `{name} rollouts` lists them.",
            f"`{name} help` lists all of this.",
            *((_SEVERAL,) if naming.several else ()),
        )
    )
    who = "\n".join(_who(label, rule) for label, rule in _rules(policy))
    return blocks.message(
        f"{usage}\nWho may approve:\n{who}",
        blocks.section(usage),
        *_part("Who may approve", [who]),
    )


def sentence(markup: str) -> Message:
    """Answer with a sentence or two."""
    return blocks.message(markup, blocks.section(markup))


def _rules(policy: Policy) -> Iterable[tuple[str, Rule]]:
    yield from policy.environments.items()
    yield ("every other environment" if policy.environments else "every environment"), policy.default


def _who(label: str, rule: Rule) -> str:
    if not rule.required_approvals:
        return f"{escape(label)}: no approval is needed"
    people = "any full member" if EVERYONE in rule.approvers else ", ".join(map(mention, rule.approvers)) or "nobody"
    own = "" if rule.self_approval else ", not the requester"
    return f"{escape(label)}: {_count(rule.required_approvals, 'approval')} from {people}{own}"


def _upgrade_line(upgrade: ScheduledUpgrade, naming: Naming) -> str:
    window = f", {span(upgrade.window)}" if upgrade.window else ""
    outside = "" if upgrade.request_id else f", {phrases.OUTSIDE[0].lower()}{phrases.OUTSIDE[1:]}"
    status = phrases.status(upgrade.status)
    return f"*{phrases.name(upgrade, naming)}* {phrases.versions(upgrade)}: {status}{window}{outside}"


def _why(upgrade: ScheduledUpgrade) -> str:
    return f" ({escape(upgrade.reason, 200)})" if upgrade.reason else ""


def _request_line(request: UpgradeRequest, naming: Naming) -> str:
    start = when(request.start) if request.start else "next maintenance window"
    votes = f" ({len(request.votes)} of {request.required})" if request.state is State.PENDING_APPROVAL else ""
    who = mention(request.requester)
    said = f"{request.state.words}{votes}, {start}, asked for by {who}"
    return f"*{phrases.name(request, naming)}* {phrases.versions(request)}: {said}"


def _spoken(*sentences: str) -> str:
    """Join sentences without the marks that only the eye needs."""
    return " ".join(sentences).replace("*", "")


def _part(title: str, lines: Sequence[str]) -> list[Block]:
    """Put lines under a title, in as few sections as they fit into."""
    paragraphs: list[str] = []
    for number, line in enumerate(lines):
        last = f"{paragraphs[-1]}\n{line}" if paragraphs and number else ""
        if last and units(last) <= _SECTION:
            paragraphs[-1] = last
        else:
            paragraphs.append(line if paragraphs else f"*{title}*\n{line}")
    return [blocks.section(paragraph) for paragraph in paragraphs]


def _fitting(parts: Mapping[str, Sequence[str]], most: int) -> dict[str, Sequence[str]]:
    """Keep as many lines of each part as fit; longer parts get the space that shorter ones leave."""
    kept: dict[str, Sequence[str]] = dict.fromkeys(parts, ())
    for waiting, (name, lines) in enumerate(sorted(parts.items(), key=lambda part: sum(map(len, part[1])))):
        ends = list(accumulate(len(line) + 1 for line in lines))
        kept[name] = lines[: bisect_right(ends, most // (len(parts) - waiting))]
        most -= sum(len(line) + 1 for line in kept[name])
    return kept


def _more(number: int, where: str) -> list[str]:
    """Say how many are left out, and how to see them."""
    if number <= 0:
        return []
    return [f"and {number} more: " + ("App Home shows them in pages." if where else "`list ENVIRONMENT`")]


def _fresh(feeds: Sequence[Feed]) -> list[Block]:
    told = [blocks.context(phrases.fresh(feed)) for feed in feeds[:_MOST_FEEDS]]
    more = len(feeds) - len(told)
    return [*told, *([blocks.context(f"{_count(more, 'more organisation')}.")] if more else [])]


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
