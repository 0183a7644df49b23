"""Audit facts about requests: what exactly was asked, and the rule in force."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.policy import Rule
from bot.domain.request import UpgradeRequest
from bot.workflow.repositories import Fact


def request_facts(request: UpgradeRequest, rule: Rule) -> dict[str, object]:
    """Return what was asked and under which rule, as plain JSON values."""
    return {
        "from_version": request.from_version,
        "to_version": request.to_version,
        "start": request.start.isoformat() if request.start else None,
        "ignore_windows": request.ignore_windows,
        "override": request.override,
        "reason": request.reason,
        "seal": request.seal,
        "deadline": request.deadline.isoformat(),
        "policy": rule_facts(rule),
    }


def rule_facts(rule: Rule) -> dict[str, object]:
    """Return the rule in force as plain JSON values."""
    return {
        "requesters": list(rule.requesters),
        "approvers": list(rule.approvers),
        "required_approvals": rule.required_approvals,
        "self_approval": rule.self_approval,
        "reason_required": rule.reason_required,
        "allowed": [allowed.text for allowed in rule.allowed],
        "freeze": [freeze.words for freeze in rule.freeze],
        "override": rule.override,
        "after": {environment: wait.total_seconds() for environment, wait in rule.after},
        "allow_downgrade": rule.allow_downgrade,
        "zone": str(rule.zone),
    }


def fact(
    request: UpgradeRequest, kind: str, *, at: datetime, actor: str = "", facts: Mapping[str, object] | None = None
) -> Fact:
    """Return an audit fact of a request as it was stored; it always says whose approvals stand after it."""
    return Fact(
        kind=kind,
        at=at,
        request_id=request.id,
        actor=actor,
        organisation=request.organisation,
        cluster=request.full_name,
        facts={**(facts or {}), "approvals": sorted(request.voters)},
    )
