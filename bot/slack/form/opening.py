"""Opens the modal and keeps it right: at once from the catalog at hand, loading first while there is none."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

import structlog

from bot.domain.form import Form
from bot.domain.people import MemberId
from bot.domain.request import REPLACEABLE, RequestId, UpgradeRequest
from bot.slack.answers import Answers
from bot.slack.form import modal
from bot.slack.form.directory import Directory, Index
from bot.slack.form.filling import NotUnderstood, Typed, zone_of
from bot.slack.form.modal import ModalMetadata
from bot.slack.form.newest import NewestPress
from bot.slack.payload import Payload, member_of, text
from bot.slack.supervisor import Supervisor
from bot.slack.web.members import AccessGate
from bot.slack.web.views import Shown, TriggerGone, ViewChanged, ViewFailed, ViewGone, Views
from bot.workflow.readiness import ReadinessCheck
from bot.workflow.viewing import FormView, Viewing

_log = structlog.get_logger(__name__)

TOO_LATE = "Slack did not open the form in time. Please try again."
NOT_OPENED = "The form could not be opened because Slack did not answer. Please try again."


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a modal is to open with, and for whom. `notes` are sentences about what was filled in.

    `whose` is who made the request that it is filled in from, if that is somebody else.
    """

    form: Form = field(default_factory=Form)
    member: MemberId | None = None
    held: ModalMetadata = field(default_factory=ModalMetadata)
    notes: tuple[str, ...] = ()
    whose: MemberId | None = None


_EMPTY = Wanted()


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A modal as it is drawn, and the form that it shows; None while there are no clusters to choose from."""

    view: dict[str, object]
    form: FormView | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """Opens, fills and refreshes modals in supervised tasks, because a trigger_id cannot wait.

    `trouble` says why the catalog cannot be read (empty while nothing is known).
    `patience` is how many seconds a loading view waits before it says that there is trouble.
    """

    viewing: Viewing
    readiness_check: ReadinessCheck
    directory: Directory
    typed: Typed
    access_gate: AccessGate
    views: Views
    tasks: Supervisor
    answers: Answers
    trouble: Callable[[], str] = lambda: ""
    patience: float = 10.0
    newest: NewestPress = field(default_factory=NewestPress)
    empty: list[tuple[Index, Drawn]] = field(default_factory=list)
    """The empty form, which most people ask for, as it was drawn for the index at hand."""

    def start(self, payload: Payload, wanted: Wanted) -> None:
        """Open the modal beside the listener; call it right before the ack."""
        self.tasks.start(self._open(payload, wanted), name="open-modal")

    def start_rescheduling(self, payload: Payload, request_id: RequestId, held: ModalMetadata) -> None:
        """Open the modal filled in from a request, which the new one is to replace."""
        self.tasks.start(self._reschedule(payload, request_id, held), name="open-reschedule")

    def start_refresh(self, payload: Payload, view: Payload, *, stamp: str, start: datetime | None = None) -> None:
        """Redraw an open modal for what is filled in now, with another `start` if one is given.

        `stamp` orders the presses of one view.
        """
        self.newest.note(text(view, "id"), stamp)
        self.tasks.start(self._refresh(member_of(payload), view, stamp=stamp, start=start), name="refresh-modal")

    def start_retry(self, payload: Payload, view: Payload) -> None:
        """Try again to fill a view that said that there was trouble."""
        self.tasks.start(self._retry(payload, view), name="retry-modal")

    async def _open(self, payload: Payload, wanted: Wanted) -> None:
        if wanted.form.cluster_identity or self.viewing.barred(member_of(payload)):
            wanted = replace(wanted, member=member_of(payload))
        loaded = self.directory.is_loaded
        drawn = await self._drawn(wanted) if loaded else Drawn(view=modal.loading(wanted.held))
        try:
            shown = await self.views.open(text(payload, "trigger_id"), drawn.view)
        except ViewFailed as error:
            _log.warning("slack.modal_not_opened", code=error.code)
            await self.answers.tell(payload, TOO_LATE if isinstance(error, TriggerGone) else NOT_OPENED)
            return
        if not loaded:
            await self._fill(payload, shown.id, wanted.held)
            return
        await self._complete(shown, wanted, drawn, member_of(payload))

    async def _reschedule(self, payload: Payload, request_id: RequestId, held: ModalMetadata) -> None:
        request = await self.viewing.request(request_id)
        if request is None:
            await self.answers.tell(payload, "This request is no longer known, so it cannot be rescheduled.")
            return
        await self._open(payload, await self._again(request, held, payload))

    async def _retry(self, payload: Payload, view: Payload) -> None:
        view_id, held = text(view, "id"), ModalMetadata.read(view)
        await self._update(view_id, modal.loading(held))
        await self._fill(payload, view_id, held)

    async def _fill(self, payload: Payload, view_id: str, held: ModalMetadata) -> None:
        """Wait until there is a catalog, then turn the loading view into the form; or into the one with the trouble."""
        until = time.monotonic() + self.patience
        while not self.directory.is_loaded:
            if time.monotonic() > until:
                await self._update(view_id, modal.trouble(held, self.trouble()))
                return
            await asyncio.sleep(0.1)
        wanted = replace(await self._wanted(payload, held), member=member_of(payload))
        drawn = await self._drawn(wanted)
        if shown := await self._update(view_id, drawn.view):
            await self._complete(shown, wanted, drawn, member_of(payload))

    async def _wanted(self, payload: Payload, held: ModalMetadata) -> Wanted:
        """Work out what to fill in now that there is a catalog; the modal says what is not understood."""
        blank = Wanted(held=replace(held, replaces=None, words=()))
        try:
            if held.replaces:
                older = await self.viewing.request(held.replaces)
                return await self._again(older, held, payload) if older else blank
            if held.words:
                filled = await self.typed.fill(held.words, await self.access_gate.identify(member_of(payload)))
                return replace(blank, form=filled.form, notes=filled.notes)
        except NotUnderstood as error:
            return replace(blank, notes=(str(error),))
        return blank

    async def _refresh(self, member: MemberId, view: Payload, *, stamp: str, start: datetime | None) -> None:
        view_id, form, held = text(view, "id"), modal.read(view), ModalMetadata.read(view)
        if start is not None:
            form, held = replace(form, start=start), replace(held, filled=stamp)
        older = await self.viewing.request(held.replaces) if held.replaces else None
        notes = (self._note(older, form),) if older else ()
        wanted = Wanted(form=form, member=member, held=held, notes=notes, whose=_whose(older, member))
        drawn = await self._drawn(wanted)
        if not self.newest.is_newest(view_id, stamp):
            return
        shown = None
        try:
            shown = await self.views.update(view_id, drawn.view, known_hash=text(view, "hash"))
        except ViewChanged:
            if self.newest.is_newest(view_id, stamp):
                shown = await self._update(view_id, drawn.view)
        except ViewFailed as error:
            _log.info("slack.modal_not_refreshed", code=error.code)
        await self._add_readiness(shown, wanted, drawn, stamp=stamp)

    async def _update(self, view_id: str, view: dict[str, object]) -> Shown | None:
        try:
            return await self.views.update(view_id, view)
        except ViewGone:
            return None
        except ViewFailed as error:
            _log.warning("slack.modal_not_updated", code=error.code)
            return None

    async def _complete(self, shown: Shown, wanted: Wanted, drawn: Drawn, member: MemberId) -> None:
        """Add to a modal that has just opened what was not at hand."""
        shown, drawn = await self._add_marks(shown, wanted, drawn, member)
        await self._add_readiness(shown, wanted, drawn)

    async def _add_marks(self, shown: Shown, wanted: Wanted, drawn: Drawn, member: MemberId) -> tuple[Shown, Drawn]:
        """Mark the environments in which the person may not request, once that is known; return what is shown then."""
        await self.viewing.learn_requesters()
        barred = self.viewing.barred(member)
        if drawn.form is None or drawn.form.barred == barred or not self.newest.is_newest(shown.id, ""):
            return shown, drawn
        form, index = replace(drawn.form, barred=barred), self.directory.index
        view = modal.draw(form, index=index, held=wanted.held, notes=wanted.notes, whose=wanted.whose)
        try:
            return await self.views.update(shown.id, view, known_hash=shown.hash), Drawn(view=view, form=form)
        except ViewFailed as error:
            _log.info("slack.marks_not_added", code=error.code)
            return shown, drawn

    async def _add_readiness(self, shown: Shown | None, wanted: Wanted, drawn: Drawn, *, stamp: str = "") -> None:
        """Read what the readiness still lacks, and redraw the modal; one that has changed meanwhile sees to itself."""
        form = drawn.form
        if not (shown and form and form.cluster and form.form.version and form.readiness and form.readiness.is_pending):
            return
        found = await self.readiness_check.read(form.cluster, form.form.version)
        if not self.newest.is_newest(shown.id, stamp):
            return
        full = modal.draw(
            replace(form, readiness=found),
            index=self.directory.index,
            held=wanted.held,
            notes=wanted.notes,
            whose=wanted.whose,
        )
        try:
            await self.views.update(shown.id, full, known_hash=shown.hash)
        except ViewFailed as error:
            _log.info("slack.readiness_not_added", code=error.code)

    async def _drawn(self, wanted: Wanted) -> Drawn:
        """Draw what is to be shown for what is filled in."""
        index = self.directory.index
        if not index.clusters:
            return Drawn(view=modal.nothing(wanted.held, self.viewing.organisations))
        if wanted == _EMPTY and self.empty and self.empty[0][0] is index:
            return self.empty[0][1]
        form = await self.viewing.form(wanted.form, member=wanted.member, reader=await self._zone(wanted.member))
        drawn = Drawn(
            view=modal.draw(form, index=index, held=wanted.held, notes=wanted.notes, whose=wanted.whose), form=form
        )
        if wanted == _EMPTY:
            self.empty[:] = [(index, drawn)]
        return drawn

    async def _zone(self, member: MemberId | None) -> tzinfo:
        """Return a person's own time zone; UTC when nobody can say."""
        if member is None:
            return UTC
        known = self.access_gate.members.recently_full(member) or await self.access_gate.identify(member)
        return (zone_of(known.zone) if known else None) or UTC

    async def _again(self, request: UpgradeRequest, held: ModalMetadata, payload: Payload) -> Wanted:
        """Fill in what was requested before, but its start only while that fits, else the next time that does."""
        form = Form(
            cluster_identity=request.cluster_identity,
            version=request.to_version,
            start=request.start,
            ignore_windows=request.ignore_windows,
            override=request.override,
            reason=request.reason,
            change=request.change,
        )
        form = replace(form, start=await self.viewing.fitting_start(form, reader=await self._zone(member_of(payload))))
        return Wanted(
            form=form,
            held=replace(held, replaces=request.id),
            notes=(self._note(request, form),),
            whose=_whose(request, member_of(payload)),
        )

    def _note(self, older: UpgradeRequest, form: Form) -> str:
        """Say what becomes of the request that is rescheduled, when this is requested."""
        name, version = self.viewing.naming.cluster(older), older.to_version
        if form.cluster_identity in {None, older.cluster_identity}:
            return f"A new request for {name} replaces the one to {version}."
        if older.state in REPLACEABLE:
            return f"This request replaces the one for {name} to {version}."
        return f"The upgrade of {name} to {version} stays as it is, because this request is for another cluster."


def _whose(request: UpgradeRequest | None, member: MemberId) -> MemberId | None:
    """Return who made a request, None when that is this person."""
    return request.requester if request and request.requester != member else None
