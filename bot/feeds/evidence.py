"""The evidence page: one request as its audit trail has it, for an auditor. One HTML file that needs nothing else.

Everything comes from the trail, so the page says what was stored when it happened, not what is configured now.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

Event = Mapping[str, Any]
"""An audit event as it is exported: number, at, kind, actor, organisation, cluster, facts, previous, hash."""

_DECISIONS = {
    "vote cast": "approved",
    "vote taken back": "took the approval back",
    "request rejected": "rejected",
    "request withdrawn": "withdrew",
    "another attempt asked": "asked for another attempt",
    "emergency acknowledged": "acknowledged the emergency",
    "record adopted": "said that it is there",
    "window stated": "said that it is there, and stated the window",
    "press refused": "was refused",
}
_EXCHANGE = {
    "submission sent": "Sent to Avisi Cloud",
    "submission postponed": "Nothing was done yet",
    "submission failed": "Not scheduled",
    "submission unclear": "The answer was unclear",
    "upgrade submitted": "Confirmed by Avisi Cloud",
    "record adopted": "Found in Avisi Cloud",
    "window stated": "Taken as scheduled, as an approver stated",
}
_CARD = {
    "organisation": "Organisation",
    "environment": "Environment",
    "cluster": "Cluster",
    "from_version": "From version",
    "to_version": "To version",
    "start": "Start",
    "ignore_windows": "Ignores maintenance windows",
    "override": "Overrides a freeze",
    "emergency": "Emergency",
    "change": "Change",
    "reason": "Reason",
    "deadline": "Approve by",
    "rollout": "Part of rollout",
    "wave": "Wave of the rollout",
}
_READINESS = {
    "upgrade requested": "When it was requested",
    "vote cast": "On the approver's card",
    "request rejected": "On the card of who rejected it",
    "submission sent": "Right before it was sent",
    "alerts compared": "After the upgrade",
}
_READ = {
    "verdict": "Verdict",
    "target_ends": "The new version's end of life",
    "removed_apis": "APIs no longer served",
    "pools": "Node pools",
    "alerts": "Alerts firing",
    "began_since_start": "Alerts that began since the start",
    "status": "Cluster",
    "auto_upgrade": "Upgraded by the platform as well",
    "follows": "Follows",
}
_RULE = {
    "required_approvals": "Approvals required",
    "approvers": "Approvers",
    "requesters": "Requesters",
    "self_approval": "Requesters may approve their own requests",
    "reason_required": "A reason is required",
    "allowed": "Allowed times",
    "freeze": "Freezes",
    "override": "Freezes may be overridden",
    "emergency": "Emergencies may be submitted without approval",
    "after": "Staged after",
    "allow_downgrade": "Patch downgrades allowed",
    "change": "Change numbers",
    "zone": "Time zone of these rules",
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
_TOLD_ELSEWHERE = {"policy", "approvals", "seal", "readiness", "card"}
_STYLE = """
@page { size: A4; margin: 18mm 15mm }
body { font: 11pt/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; color: #1a1a1a;
  background: #fff; max-width: 180mm; margin: 0 auto; padding: 8mm }
h1 { font-size: 18pt; line-height: 1.25; margin: 0 0 2mm } h2 { font-size: 13pt; margin: 8mm 0 2mm; break-after: avoid }
p { margin: 0 0 2mm } .small { color: #595959; font-size: 9.5pt }
.whole, .broken { border-left: 3px solid; padding: 2mm 4mm; margin: 4mm 0 }
.whole { border-color: #1b6e3c; background: #eef7f1 } .broken { border-color: #a3161a; background: #fdf0f0 }
table { border-collapse: collapse; width: 100%; margin: 0 0 3mm; font-size: 10pt }
caption { text-align: left; color: #595959; font-size: 9.5pt; padding: 0 0 1mm }
th, td { text-align: left; vertical-align: top; padding: 1.2mm 2mm; border-bottom: 1px solid #d4d4d4;
  overflow-wrap: break-word } li, code { overflow-wrap: anywhere }
tbody th { width: 30%; font-weight: 600 } thead th { border-bottom: 2px solid #767676 } tr { break-inside: avoid }
td ul { margin: 0; padding-left: 4mm } code { font: 8.5pt/1.3 ui-monospace, Menlo, Consolas, monospace }
@media print { body { padding: 0; max-width: none } }
"""


def evidence_page(events: Sequence[Event], problems: Sequence[str], *, request: str, written_at: datetime) -> str:
    """Write the page of one request; `problems` is what is wrong with its chain, empty when it verifies.

    `events` holds at least one event, oldest first. Times are UTC.
    """
    first = next((one for one in events if one["kind"] == "upgrade requested"), events[0])
    title = f"Upgrade of {first['cluster'] or 'an unknown cluster'}: request {request}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="small">Written {_moment(written_at)} from {len(events)} audit events. All times are UTC.</p>',
        _verdict(problems, len(events)),
        *_section("What was requested", _requested(first)),
        *_section("The rule in force when it was requested", _rule(first)),
        *_section("Decisions", _decisions(events, asked_under=_facts(first).get("policy"))),
        *_section("Readiness, then and after", _readiness(events)),
        *_section("What was sent to Avisi Cloud, and what it answered", _exchange(events)),
        *_section("Every status that was seen", _statuses(events)),
        *_section("Every event of the audit trail", _all(events)),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _verdict(problems: Sequence[str], count: int) -> str:
    if not problems:
        return (
            f'<div class="whole"><p><strong>The chain of this request verifies.</strong> Each of its {count} events '
            "follows from the one before it, and none was changed, reordered or removed.</p></div>"
        )
    return (
        '<div class="broken"><p><strong>The chain of this request does not verify.</strong></p><ul>'
        + "".join(f"<li>{escape(problem)}</li>" for problem in problems)
        + "</ul></div>"
    )


def _section(heading: str, body: str) -> Iterator[str]:
    if body:
        yield f"<h2>{escape(heading)}</h2>"
        yield body


def _requested(first: Event) -> str:
    facts = _facts(first)
    rows = [("Requested by", _text(first["actor"])), ("Requested at", _moment(first["at"]))]
    rows += [("Cluster", _text(f"{first['organisation']}/{first['cluster']}".strip("/")))]
    rows += _named({key: label for key, label in _CARD.items() if key not in {"cluster", "environment"}}, facts)
    rows = [
        (label, _linked(cell, facts.get("change_url")) if label == _CARD["change"] else cell) for label, cell in rows
    ]
    return _pairs("The request as it was made", rows)


def _rule(first: Event) -> str:
    policy = _facts(first).get("policy")
    return _pairs("The rule, as stored with the request", _named(_RULE, policy)) if isinstance(policy, Mapping) else ""


def _decisions(events: Iterable[Event], *, asked_under: object) -> str:
    rows: list[tuple[str, ...]] = []
    for event in events:
        if event["kind"] == "upgrade requested":
            rows += _wave_votes(event)
        said = _DECISIONS.get(event["kind"])
        if said is None or not event["actor"]:  # what the bot found by itself is no decision
            continue
        facts = _facts(event)
        more = [f"Comment: {facts['comment']}"] if facts.get("comment") else []
        more += [f"Reason: {facts['reason']}"] if facts.get("reason") else []
        more += [str(facts["answer"])] if event["kind"] == "press refused" and facts.get("answer") else []
        if isinstance(facts.get("approvals"), list) and event["kind"] == "vote cast":
            needed = (facts.get("policy") or {}).get("required_approvals")
            more.append(f"Approvals then: {len(facts['approvals'])}" + (f" of {needed}" if needed is not None else ""))
        more += [f"Rule then: {line}" for line in _other_rule(facts.get("policy"), asked_under)]
        rows.append((_moment(event["at"]), _text(event["actor"]), _text(said), _list(more), _card(event)))
    head = ("When", "Who", "Decision", "More", "What their card showed")
    return _table("Who decided, when, and on what", head, rows)


def _wave_votes(event: Event) -> Iterator[tuple[str, ...]]:
    """Yield the approvals of a rollout's wave, which were there before the request was."""
    facts = _facts(event)
    for vote in facts.get("votes") or ():
        said = f"approved wave {facts['wave']} of the rollout"
        yield _moment(vote["at"]), _text(vote["member"]), _text(said), "", _text("the rollout's card")


def _other_rule(policy: object, asked_under: object) -> Iterator[str]:
    """Yield what of a decision's rule was another than at the request; nothing where either was not stored."""
    if isinstance(policy, Mapping) and isinstance(asked_under, Mapping):
        for key, label in _RULE.items():
            if key in policy and key in asked_under and policy[key] != asked_under[key]:
                yield f"{label}: {_plain(policy[key]) or 'none'}"


def _card(event: Event) -> str:
    card = _facts(event).get("card")
    if isinstance(card, Mapping):
        return _list(f"{label}: {_plain(card[key])}" for key, label in _CARD.items() if card.get(key) not in {None, ""})
    return _text("not recorded with this event" if event["kind"] == "vote cast" else "")


def _readiness(events: Iterable[Event]) -> str:
    rows = []
    for event in events:
        facts = _facts(event)
        read = facts if event["kind"] == "alerts compared" else facts.get("readiness")
        if isinstance(read, Mapping):
            known = (f"{label}: {_plain(read[key]) or 'none'}" for key, label in _READ.items() if key in read)
            point = _READINESS.get(event["kind"], str(event["kind"]).capitalize())
            rows.append((_moment(event["at"]), _text(point), _text(event["actor"]), _list(known)))
    return _table("What was known of the upgrade", ("When", "At which point", "Who", "What was known"), rows)


def _exchange(events: Iterable[Event]) -> str:
    rows = [
        (
            _moment(event["at"]),
            _text(said),
            _list(_lines(_facts(event), without=_TOLD_ELSEWHERE)),
        )
        for event in events
        if (said := _EXCHANGE.get(event["kind"]))
    ]
    return _table("Attempts and answers", ("When", "What happened", "Content"), rows)


def _statuses(events: Iterable[Event]) -> str:
    rows = []
    for event in events:
        if event["kind"] == "status moved":
            facts = _facts(event)
            window = " to ".join(str(facts[key]) for key in ("window_start", "window_end") if facts.get(key))
            cells = (facts.get("status"), window, facts.get("reason"))
            rows.append((_moment(event["at"]), *(_text(_plain(cell)) for cell in cells)))
    return _table("Statuses of Avisi Cloud", ("Seen", "Status", "Window", "Reason"), rows)


def _all(events: Iterable[Event]) -> str:
    rows = [
        (
            _text(str(event["number"])),
            _moment(event["at"]),
            _text(event["kind"]),
            _text(event["actor"]),
            _list(_lines(_facts(event), without={"policy", "card", "readiness"})),
            f"<code>{escape(str(event['hash']))}</code>",
        )
        for event in events
    ]
    return _table("The trail, event by event", ("No.", "When", "What", "Who", "Facts", "Hash"), rows)


def _named(labels: Mapping[str, str], facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (label, _text(_plain(facts[key]))) for key, label in labels.items() if facts.get(key) not in (None, "", [], {})
    ]


def _lines(facts: Mapping[str, Any], *, without: set[str]) -> Iterator[str]:
    return (
        f"{key}: {_plain(value)}" for key, value in facts.items() if key not in without and value not in (None, "", [])
    )


def _facts(event: Event) -> Mapping[str, Any]:
    return event["facts"] if isinstance(event["facts"], Mapping) else {}


def _plain(value: object) -> str:  # noqa: PLR0911 - one for each kind
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_plain, value))
        case Mapping():
            return json.dumps(value, ensure_ascii=False)
        case "*":
            return "every full member"
        case str() if _TIME.fullmatch(value):
            return _said(datetime.fromisoformat(value))
        case _:
            return str(value)


def _pairs(caption: str, rows: Sequence[tuple[str, str]]) -> str:
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{cell}</td></tr>' for name, cell in rows)
    return f"<table><caption>{escape(caption)}</caption><tbody>{body}</tbody></table>"


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _text(text: str) -> str:
    """Escape foreign text; what no document may hold is shown as its code point."""
    return escape("".join(one if one.isprintable() else f"[U+{ord(one):04X}]" for one in text))


def _linked(html: str, address: object) -> str:
    """Link to an https address; only the text where there is none."""
    is_address = isinstance(address, str) and address.startswith("https://")
    return f'<a href="{_text(str(address))}">{html}</a>' if is_address else html


def _moment(moment: datetime | str) -> str:
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f'<time datetime="{at.astimezone(UTC).isoformat()}">{_said(at)}</time>'


def _said(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%a %d %b %Y, %H:%M:%S}"
