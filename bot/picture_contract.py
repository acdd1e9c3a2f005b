"""What the picture pool and its helper process say to each other; light, since both sides load it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_CHART_ROWS = 30
REASONS = frozenset({"picture.not_a_picture", "picture.too_large", "picture.too_slow", "picture.damaged"})


class PictureRefused(Exception):
    """The picture cannot be taken. `reason_key` is the wording key of what the person reads.

    One of `picture.not_a_picture`, `picture.too_large`, `picture.too_slow`, `picture.damaged`.
    Trying the same file again would end the same way.
    """

    def __init__(self, reason_key: str) -> None:
        super().__init__(reason_key)
        self.reason_key = reason_key


class PictureJobFailed(Exception):
    """The job failed through no fault of the picture (disk full, stopping, a mistake of ours); try again."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture kept as `<sha256>.jpg` or `<sha256>.png` (by `media_type`); width and height in pixels."""

    sha256: str
    width: int
    height: int
    size_bytes: int
    media_type: str

    @property
    def file_name(self) -> str:
        """Return the name of its file inside the target folder."""
        return self.sha256 + (".png" if self.media_type == "image/png" else ".jpg")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A spreadsheet that was written."""

    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One line of a chart: `shown` is the value as written for people, `note` what is said of the target.

    `value` None means that nothing was reported, which is drawn unlike zero. Nothing is computed into words.
    """

    label: str
    value: float | None
    shown: str
    target: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """What a chart shows, every text already in the person's language. 1 to 30 rows, in the order given.

    `targets`: different indicators, each bar measured against its own target (a row without one shows its
    number only). `units`: one indicator in several units, `months`: one over time; both share one scale.
    `months`, and `units` past ten rows, have no room for notes.
    `target_label` explains the target mark; `footer` is the line on source and date.
    """

    kind: Literal["targets", "units", "months"]
    title: str
    rows: tuple[ChartRow, ...]
    subtitle: str = ""
    footer: str = ""
    target_label: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.rows) <= MAX_CHART_ROWS:
            raise ValueError(f"a chart has 1 to {MAX_CHART_ROWS} rows, not {len(self.rows)}")
