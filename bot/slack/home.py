"""App Home: stored when it is opened, published in the background; its buttons turn pages and open the modal."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.people import MemberId
from bot.notifications.delivery.delivery import DrawHome
from bot.notifications.delivery.errors import MessengerError
from bot.notifications.delivery.messenger import Messenger
from bot.notifications.home import closed
from bot.notifications.ids import ActionId
from bot.slack.answers import Answers
from bot.slack.errors import Listener
from bot.slack.form.modal import ModalMetadata
from bot.slack.form.opening import Opening, Wanted
from bot.slack.payload import Payload, action_of, member_of, text
from bot.slack.supervisor import Supervisor
from bot.slack.web.members import AccessGate
from bot.workflow.ports import BeginWork, Clock

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """Listens to the opening of App Home and to its buttons."""

    begin: BeginWork
    draw: DrawHome
    messenger: Messenger
    opening: Opening
    access_gate: AccessGate
    tasks: Supervisor
    answers: Answers
    now: Clock
    guard: Callable[[Listener], Listener]

    def register(self, app: AsyncApp) -> None:
        """Register the listeners with Bolt."""
        app.event("app_home_opened")(self.guard(self.opened))
        app.action(ActionId.SCHEDULE.value)(self.guard(self.schedule))
        app.action(ActionId.HOME_PAGE.value)(self.guard(self.turned))

    async def opened(self, ack: AsyncAck, body: Payload) -> None:
        """Publish it for the person who opened it; the Messages tab is ignored."""
        if text(body, "event", "tab") in {"", "home"}:
            self.tasks.start(self._show(member_of(body), page=0), name="publish-home")
        await ack()

    async def turned(self, ack: AsyncAck, body: Payload) -> None:
        """Publish another page."""
        page = text(action_of(body), "value")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < len("10000") else 0
        self.tasks.start(self._show(member_of(body), page=number), name="publish-home")
        await ack()

    async def schedule(self, ack: AsyncAck, body: Payload) -> None:
        """Open the modal from App Home."""
        refusal = self.access_gate.refusal(await self.access_gate.identify(member_of(body)))
        if refusal:
            self.tasks.start(self.answers.tell(body, refusal), name="refuse")
        else:
            self.opening.start(body, Wanted(held=ModalMetadata(in_home=True)))
        await ack()

    async def _show(self, member: MemberId, *, page: int) -> None:
        refusal = self.access_gate.refusal(await self.access_gate.identify(member))
        if refusal:
            view = closed(refusal)
        else:
            async with self.begin() as work:
                await work.homes.opened(member, at=self.now(), page=page)
                await work.homes.published(member, at=self.now())
                await work.commit()
            view = await self.draw(member)
        try:
            await self.messenger.publish_home(member, view)
        except MessengerError as error:
            _log.warning("slack.home_not_published", code=error.code)
