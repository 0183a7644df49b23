"""Builds all listeners around one Bolt application, the same for HTTP and Socket Mode."""

from collections.abc import Callable
from dataclasses import dataclass

from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.notifications.delivery.delivery import DrawHome
from bot.notifications.delivery.messenger import Messenger
from bot.notifications.links import NO_LINKS, Links
from bot.slack import listing
from bot.slack.answers import Answers
from bot.slack.bolt import Listening, bolt
from bot.slack.card_buttons import CardButtons, Judge
from bot.slack.command import MOST_KEPT, UNSEEN, Command
from bot.slack.errors import LastResort
from bot.slack.fleet import FleetListeners
from bot.slack.form.changes import FormChanges
from bot.slack.form.directory import Directory
from bot.slack.form.filling import Typed
from bot.slack.form.opening import Opening
from bot.slack.freezes import FreezeListeners
from bot.slack.home import Home
from bot.slack.readiness import ReadinessButton, ReadinessFollowUp
from bot.slack.rollouts import RolloutListeners
from bot.slack.storing import Storing
from bot.slack.submission import Submission
from bot.slack.supervisor import Supervisor
from bot.slack.web.identity import Identity
from bot.slack.web.members import AccessGate, Reused
from bot.slack.web.views import Views
from bot.workflow.fleet import FleetReading
from bot.workflow.freezing import Freezing
from bot.workflow.ports import BeginWork, Clock, Members
from bot.workflow.readiness import ReadinessCheck
from bot.workflow.rollouts import Rollouts
from bot.workflow.viewing import Viewing


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """Everything that the listeners need from outside this folder.

    `trouble` says why the catalog cannot be read; `stored` counts what this process has stored.
    """

    command: str
    client: AsyncWebClient
    identity: Identity
    viewing: Viewing
    readiness_check: ReadinessCheck
    rollouts: Rollouts
    freezing: Freezing
    fleet: FleetReading
    begin: BeginWork
    members: Members
    messenger: Messenger
    judge: Judge
    draw_home: DrawHome
    tasks: Supervisor
    real_time: Clock
    stored: Callable[[], int]
    trouble: Callable[[], str] = lambda: ""
    links: Links = NO_LINKS
    loading_patience: float = 10.0

    def bolt(self) -> AsyncApp:
        """Build the Bolt application with all listeners."""
        return bolt(client=self.client, identity=self.identity, listeners=self.listeners())

    def listeners(self) -> tuple[Listening, ...]:
        """Build the listeners."""
        answers = Answers(messenger=self.messenger)
        guard = LastResort(tasks=self.tasks, tell=answers.tell).guard
        directory = Directory(self.viewing.catalogs)
        typed = Typed(viewing=self.viewing, directory=directory)
        views = Views(client=self.client)
        access_gate = AccessGate(members=self.members)
        naming, policy = self.viewing.naming, self.viewing.policy
        storing = Storing(begin=self.begin)
        opening = Opening(
            viewing=self.viewing,
            readiness_check=self.readiness_check,
            directory=directory,
            typed=typed,
            access_gate=access_gate,
            views=views,
            tasks=self.tasks,
            answers=answers,
            trouble=self.trouble,
            patience=self.loading_patience,
        )
        rollouts = RolloutListeners(
            rollouts=self.rollouts,
            viewing=self.viewing,
            directory=directory,
            storing=storing,
            access_gate=access_gate,
            views=views,
            tasks=self.tasks,
            answers=answers,
            links=self.links,
            guard=guard,
        )
        freezes = FreezeListeners(
            freezing=self.freezing,
            viewing=self.viewing,
            storing=storing,
            access_gate=access_gate,
            views=views,
            tasks=self.tasks,
            answers=answers,
            guard=guard,
        )
        fleet = FleetListeners(
            reading=self.fleet,
            directory=directory,
            naming=naming,
            rollouts=rollouts,
            access_gate=access_gate,
            views=views,
            tasks=self.tasks,
            answers=answers,
            guard=guard,
        )
        return (
            rollouts,
            freezes,
            fleet,
            Command(
                name=self.command,
                viewing=self.viewing,
                directory=directory,
                typed=typed,
                opening=opening,
                rollouts=rollouts,
                freezes=freezes,
                fleet=fleet,
                access_gate=access_gate,
                guard=guard,
                naming=naming,
                usage=listing.explained(self.command, policy, naming=naming),
                follow_up=ReadinessFollowUp(
                    readiness_check=self.readiness_check, naming=naming, tasks=self.tasks, answers=answers
                ),
                clusters=Reused(seconds=UNSEEN, age=self.stored, most=MOST_KEPT),
                links=self.links,
                answers=Reused(seconds=UNSEEN, age=self.stored, most=MOST_KEPT),
            ),
            FormChanges(opening=opening, directory=directory, guard=guard),
            Submission(viewing=self.viewing, storing=storing, guard=guard),
            CardButtons(
                viewing=self.viewing,
                naming=naming,
                storing=storing,
                judge=self.judge,
                members=self.members,
                opening=opening,
                views=views,
                tasks=self.tasks,
                answers=answers,
                guard=guard,
            ),
            ReadinessButton(
                viewing=self.viewing,
                naming=naming,
                readiness_check=self.readiness_check,
                access_gate=access_gate,
                views=views,
                tasks=self.tasks,
                answers=answers,
                guard=guard,
            ),
            Home(
                begin=self.begin,
                draw=self.draw_home,
                messenger=self.messenger,
                opening=opening,
                access_gate=access_gate,
                tasks=self.tasks,
                answers=answers,
                now=self.real_time,
                guard=guard,
            ),
        )
