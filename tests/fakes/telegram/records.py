"""What the ledger holds, as tests read it. Times are seconds of the fake's monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.records import Said


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; buttons are numbered row by row."""

    text: str
    data: str | None
    url: str | None
    row: int


@dataclass(frozen=True, slots=True)
class Message(Said):
    """A message of the bot, with its buttons."""

    @property
    def buttons(self) -> list[Button]:
        rows = (self.reply_markup or {}).get("inline_keyboard", ())
        return [
            Button(button["text"], button.get("callback_data"), button.get("url"), number)
            for number, row in enumerate(rows)
            for button in row
        ]

    @property
    def labels(self) -> list[str]:
        return [button.text for button in self.buttons]

    @property
    def file_id(self) -> str | None:
        if "photo" in self.content:
            return str(self.content["photo"][-1]["file_id"])
        return str(self.content["document"]["file_id"]) if "document" in self.content else None
