"""Modals, stacked per person, and App Homes."""

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.sandbox.slack.app import InstalledApp
from bot.sandbox.slack.blockkit.elements import complete_text, completed
from bot.sandbox.slack.blockkit.formstate import Values, carried
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.stamps import Stamps, new_id
from bot.sandbox.slack.workspace import Workspace

STACK = 3


@dataclass(slots=True, kw_only=True, eq=False)
class View:
    """One view as Slack keeps it, with what its person has entered."""

    owner: str
    id: str
    sent: Json
    hash: str
    values: Values
    root_id: str
    previous_id: str | None = None
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """Its blocks, completed."""
        blocks: list[Json] = self.sent["blocks"]
        return blocks


class Views:
    """Every open modal and every published Home."""

    def __init__(self, workspace: Workspace, app: InstalledApp, stamps: Stamps) -> None:
        self._workspace = workspace
        self._app = app
        self._stamps = stamps
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def stack(self, person: str) -> list[View]:
        """Give the person's modals, bottom first."""
        return self.stacks.setdefault(person, [])

    def open(self, person: str, sent: Json) -> View:
        """Open a modal; one that was open before is gone."""
        view = self._new(person, sent)
        self.stacks[person] = [view]
        return view

    def push(self, person: str, sent: Json) -> View:
        """Put a modal on top of the open one."""
        stack = self.stack(person)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= STACK:
            raise SlackError("push_limit_reached")
        view = self._new(person, sent)
        view.root_id, view.previous_id = stack[0].id, stack[-1].id
        stack.append(view)
        return view

    def update(self, view: View, sent: Json, *, expected: object = None) -> View:
        """Replace what a view shows; what was entered in the same elements stays."""
        if expected and expected != view.hash:
            raise SlackError("hash_conflict")
        if sent["type"] != view.sent["type"]:
            raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] view type mismatch"]})
        self._refuse_taken(sent, apart_from=view)
        view.sent = self._kept(sent)
        view.values = carried(view.blocks, view.values)
        view.hash = self._hash()
        return view

    def publish(self, person: str, sent: Json, *, expected: object = None) -> View:
        """Show this Home to a person; everything entered in the one before is forgotten."""
        before = self.homes.get(person)
        if expected and (before is None or expected != before.hash):
            raise SlackError("hash_conflict")
        view = self._new(person, sent)
        if before is not None:
            view.id = view.root_id = before.id
        self.homes[person] = view
        return view

    def close(self, view: View) -> None:
        """Close one modal; the one below shows again."""
        stack = self.stack(view.owner)
        if view in stack:
            stack.remove(view)

    def find(self, *, view_id: object = None, external_id: object = None) -> View | None:
        """Give an open modal or a Home."""
        for view in self._every():
            if view.id == view_id or (external_id and view.sent.get("external_id") == external_id):
                return view
        return None

    def as_slack(self, view: View) -> Json:
        """Give the view object that Slack sends in answers and payloads."""
        return {
            "id": view.id,
            "team_id": self._workspace.team_id,
            **copy.deepcopy(view.sent),
            "state": {"values": copy.deepcopy(view.values)},
            "hash": view.hash,
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": self._app.id,
            "app_installed_team_id": self._workspace.enterprise_id if self._app.org_wide else self._workspace.team_id,
            "bot_id": self._app.bot_id,
        }

    def _every(self) -> Iterator[View]:
        for stack in self.stacks.values():
            yield from stack
        yield from self.homes.values()

    def _new(self, person: str, sent: Json) -> View:
        self._refuse_taken(sent, apart_from=None)
        kept = self._kept(sent)
        name = new_id("V")
        return View(
            owner=person, id=name, sent=kept, hash=self._hash(), values=carried(kept["blocks"], {}), root_id=name
        )

    def _refuse_taken(self, sent: Json, *, apart_from: View | None) -> None:
        external = sent.get("external_id")
        if external and self.find(external_id=external) not in {None, apart_from}:
            raise SlackError("duplicate_external_id")

    def _hash(self) -> str:
        return f"{self._stamps.seconds()}.{secrets.token_hex(4)}"

    @staticmethod
    def _kept(sent: Json) -> Json:
        kept: Json = {
            "type": sent["type"],
            "blocks": completed(sent["blocks"]),
            "private_metadata": sent.get("private_metadata", ""),
            "callback_id": sent.get("callback_id", ""),
            "external_id": sent.get("external_id", ""),
            "clear_on_close": bool(sent.get("clear_on_close", False)),
            "notify_on_close": bool(sent.get("notify_on_close", False)),
        }
        for label in ("title", "close", "submit"):
            kept[label] = complete_text(copy.deepcopy(sent[label])) if sent.get(label) else None
        return kept
