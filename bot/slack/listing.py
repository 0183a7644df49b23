"""Renders the answers to `list`, `status` and `help`, and to what was not understood."""

from collections.abc import Iterable, Sequence

from bot.domain.naming import PLAIN, Naming
from bot.domain.people import EVERYONE
from bot.domain.policy import Policy, Rule
from bot.domain.readiness import Readiness
from bot.domain.request import UpgradeRequest
from bot.domain.scheduled import ScheduledUpgrade, Status
from bot.notifications import blocks, phrases, readiness
from bot.notifications.blocks import Block, Message
from bot.notifications.links import NO_LINKS, Links
from bot.notifications.rows import fitting, row
from bot.notifications.text import escape, mention, said, units
from bot.workflow.repositories import Feed
from bot.workflow.viewing import ClusterView, Overview

Listed = ScheduledUpgrade | UpgradeRequest
_SECTION = 2900
_MOST_SHOWN = 7500
"""Characters of the rows that `list` shows, as Slack counts them, so that the whole message stays under 11,000."""
_MOST_OF_ONE = 4500
"""The same for `status`, which also shows the readiness."""
_MOST_SPOKEN = 2000
_LINES_SPOKEN = 12
_MOST_FEEDS = 4
_SEVERAL = (
    "Where two organisations use the same name, put the organisation first: `ORGANISATION/ENVIRONMENT/CLUSTER`; "
    "`list` also takes `ORGANISATION/ENVIRONMENT` and `ORGANISATION`."
)


def overview(shown: Overview, *, where: str = "", naming: Naming = PLAIN, links: Links = NO_LINKS) -> Message:
    """List running upgrades first, then scheduled ones by window, then requests that wait for people."""
    running = [upgrade for upgrade in shown.upgrades if upgrade.status == Status.IN_PROGRESS]
    coming = [upgrade for upgrade in shown.upgrades if upgrade.status != Status.IN_PROGRESS]
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
    parts: dict[str, Sequence[Listed]] = {
        "Running": running,
        "Scheduled": coming,
        "Requests not yet submitted": shown.requests,
    }
    rows = {
        name: [row(one, cards=shown.cards, naming=naming, links=links) for one in ones] for name, ones in parts.items()
    }
    listed = fitting(rows, _MOST_SHOWN)
    left = total - sum(len(part) for part in listed.values())
    lines = [f"{said(row(one, naming=naming))}." for ones in parts.values() for one in ones[:_LINES_SPOKEN]]
    spoken = fitting({"": lines}, _MOST_SPOKEN)[""][:_LINES_SPOKEN]
    return blocks.message(
        _spoken(title, *spoken, *_more(total - len(spoken), where)),
        blocks.section(f"*{title}*"),
        *(block for name, part in listed.items() for block in _part(name, part)),
        *(blocks.section(more) for more in _more(left, where)),
        *_fresh(shown.feeds),
    )


def one_cluster(shown: ClusterView, *, naming: Naming = PLAIN, links: Links = NO_LINKS) -> Message:
    """Show what is known about one cluster."""
    cluster = shown.cluster
    channel = f", update channel {escape(cluster.channel)}" if cluster.channel else ""
    title = f"*{escape(naming.cluster(cluster))}* runs {escape(cluster.version)}{channel}."
    if not shown.upgrades and not shown.requests:
        title += " No upgrade of it is known here."
    parts: dict[str, Sequence[Listed]] = {"Upgrades, newest first": shown.upgrades, "Requests": shown.requests}
    rows = {
        name: [row(one, cards=shown.cards, naming=naming, links=links) + _why(one) for one in ones]
        for name, ones in parts.items()
    }
    listed = fitting(rows, _MOST_OF_ONE)
    left = sum(len(ones) for ones in parts.values()) - sum(len(part) for part in listed.values())
    lines = [f"{said(row(one, naming=naming))}{_why(one)}." for ones in parts.values() for one in ones]
    spoken = fitting({"": lines}, _MOST_SPOKEN)[""]
    more = [f"and {len(lines) - len(spoken)} more."] if len(spoken) < len(lines) else []
    return blocks.message(
        _spoken(title, *spoken, *more, *_readiness_spoken(shown)),
        blocks.section(title),
        *(readiness.answer(shown.readiness, target=shown.target) if shown.readiness else ()),
        *(block for name, part in listed.items() for block in _part(name, part)),
        *([blocks.section(f"and {left} more.")] if left else []),
        *_fresh([shown.feed]),
    )


def filled_in(shown: ClusterView, found: Readiness, *, naming: Naming = PLAIN) -> Message:
    """Show what the readiness in the answer to `status` still lacked, now that Avisi Cloud has answered."""
    name, to = escape(naming.cluster(shown.cluster)), escape(shown.target, 80)
    title = f"*{name}*, now that Avisi Cloud has answered. Readiness for {to}: {readiness.card_line(found)}."
    drawn = [readiness.rest(shown.readiness, found)] if shown.readiness else []
    return blocks.message(_spoken(title), blocks.section(title), *drawn)


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
            f"`{name} fleet [ENVIRONMENT]` shows what all clusters run, until when, and what is next.",
            f"`{name} freeze [ENVIRONMENT] [until WHEN]` stops upgrades for a while; `{name} freezes` lists freezes.",
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


def _why(one: Listed) -> str:
    reason = one.reason if isinstance(one, ScheduledUpgrade) else one.outcome
    return f" ({escape(reason, 200)})" if reason else ""


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
