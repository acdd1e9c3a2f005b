"""The conversations and commands, as an explicit list in the order in which sentences are offered to them."""

from __future__ import annotations

from dialogue.turn import Conversation
from handlers import (
    abroad,
    admit,
    broadcast,
    broadcast_edit,
    broadcasts,
    campaign_link,
    emergency,
    going_on,
    invitation,
    late_photo,
    lookup,
    menu,
    my_data,
    nil_report,
    opinion,
    register,
    report,
    report_guided,
    results,
    review,
    settings,
)
from handlers.broadcast_times import Planning
from storage.sealing import Sealer

COMMANDS = ("guided", "lookup", "results", "register", "my_data", "continue", "language", "stop", "menu", "help")
"""The conversations that a platform's list of commands names, in its order; their words are `command.<name>`."""


def conversations(sealer: Sealer, planning: Planning) -> tuple[Conversation, ...]:
    """Return all conversations; `sealer` locks the personal data some take, `planning` is what broadcasts need."""
    return tuple(abroad.guarded(each) for each in _conversations(sealer, planning))


def _conversations(sealer: Sealer, planning: Planning) -> tuple[Conversation, ...]:
    return (
        emergency.EMERGENCY,
        emergency.DISASTER_CALL,
        *emergency.conversations(sealer),
        invitation.INVITATION,
        campaign_link.CAMPAIGN_LINK,
        menu.MENU,
        menu.HELP,
        going_on.CONTINUE,
        settings.LANGUAGE,
        settings.STOP,
        settings.START_AGAIN,
        register.conversation(sealer),
        admit.conversation(sealer),
        my_data.conversation(sealer),
        lookup.LOOKUP,
        lookup.WITHDRAW,
        review.REVIEW,
        review.WAITING,
        results.RESULTS,
        broadcast.conversation(sealer, planning),
        broadcast_edit.conversation(sealer, planning),
        broadcasts.conversation(sealer, planning),
        opinion.OPINION,
        nil_report.NIL_REPORT,
        report_guided.GUIDED,
        report.REPORT,
        late_photo.LATE_PHOTO,
    )
