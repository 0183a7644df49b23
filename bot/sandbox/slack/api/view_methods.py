"""The methods that open, push, update and publish views."""

from bot.sandbox.slack.api.methods import Call, Method
from bot.sandbox.slack.blockkit.limits import check_view, too_large
from bot.sandbox.slack.errors import Json, SlackError, invalid
from bot.sandbox.slack.short_lived_tokens import Trigger
from bot.sandbox.slack.state import State


def checked_view(state: State, view: object, *, kind: str | None = None) -> Json:
    """Give a view that Slack would take."""
    if too_large(view):
        raise SlackError("view_too_large")
    problems = check_view(view, unsupported=state.unsupported_blocks)
    if problems or not isinstance(view, dict):
        raise invalid("invalid_arguments", problems)
    if kind is not None and view["type"] != kind:
        raise invalid("invalid_arguments", [f"[ERROR] view must be of type {kind} [json-pointer:/view/type]"])
    return view


def _view(call: Call, *, kind: str | None = None) -> Json:
    return checked_view(call.state, call.given.structure("view", error="invalid_arguments"), kind=kind)


def _trigger(call: Call) -> Trigger:
    return call.state.triggers.exchange(call.given.given.get("trigger_id"))


def open_view(call: Call) -> Json:
    """views.open."""
    sent = _view(call, kind="modal")
    trigger = _trigger(call)
    view = call.state.views.open(trigger.person, sent)
    call.state.show_modals(trigger.person)
    return {"view": call.state.views.as_slack(view)}


def push(call: Call) -> Json:
    """views.push: only onto an open modal, three at most."""
    sent = _view(call, kind="modal")
    trigger = _trigger(call)
    view = call.state.views.push(trigger.person, sent)
    call.state.show_modals(trigger.person)
    return {"view": call.state.views.as_slack(view)}


def update(call: Call) -> Json:
    """views.update, by view id or external id."""
    given = call.given
    sent = _view(call)
    view_id, external_id = given.text("view_id"), given.text("external_id")
    if not view_id and not external_id:
        raise invalid("invalid_arguments", ["[ERROR] missing required field: view_id or external_id"])
    view = call.state.views.find(view_id=view_id, external_id=external_id)
    if view is None:
        raise SlackError("not_found")
    call.state.views.update(view, sent, expected=given.text("hash"))
    if view.sent["type"] == "home":
        call.state.show_home(view)
    else:
        call.state.show_modals(view.owner)
    return {"view": call.state.views.as_slack(view)}


def publish(call: Call) -> Json:
    """views.publish: a person's Home."""
    if not call.state.app.home_tab:
        raise SlackError("not_enabled")
    person = call.given.needed("user_id")
    if person not in call.state.workspace.people:
        raise SlackError("user_not_found")
    sent = _view(call, kind="home")
    view = call.state.views.publish(person, sent, expected=call.given.text("hash"))
    call.state.show_home(view)
    return {"view": call.state.views.as_slack(view)}


METHODS = {
    "views.open": Method(work=open_view, tier=4),
    "views.push": Method(work=push, tier=4),
    "views.update": Method(work=update, tier=4),
    "views.publish": Method(work=publish, tier=4),
}
