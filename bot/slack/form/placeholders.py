"""What stands in for the modal while there is nothing to choose from: loading, trouble, no clusters."""

from bot.notifications import blocks, text
from bot.notifications.ids import ActionId, CallbackId
from bot.slack.form.modal import TITLE, ModalMetadata


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
