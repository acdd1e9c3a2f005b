"""Measure, wrap and fit the text of charts. Loaded only in the helper process."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.font_manager import get_font
from matplotlib.ft2font import LoadFlags

MAX_LINES = 3
MAX_CHARS = 600  # more never fits into three lines, and measuring costs time
INK = "#15202B"


@dataclass(frozen=True, slots=True)
class Style:
    """A size in pixels, weight and colour of text."""

    size: int
    bold: bool = False
    colour: str = INK

    @property
    def line(self) -> int:
        """Return the distance between two lines in pixels."""
        return round(self.size * 1.32)


def clean(text: str) -> str:
    """Return the text on one line without what the font cannot draw (emoji, controls)."""
    glyphs = get_font(font_file(bold=False)).get_charmap()
    spaced = "".join(" " if letter.isspace() and letter != "\u00a0" else letter for letter in text)
    drawn = "".join(letter for letter in unicodedata.normalize("NFC", spaced) if ord(letter) in glyphs)
    # A number and its percent sign stay on one line.
    return re.sub(" +", " ", drawn).strip().replace(" %", "\u00a0%")


def wrapped(text: str, style: Style, width: float) -> list[str]:
    """Return the lines of a text, at most three; what does not fit ends in an ellipsis."""
    lines: list[str] = []
    for word in filter(None, clean(text)[:MAX_CHARS].split(" ")):
        for piece in _pieces(word, style, width):
            joined = f"{lines[-1]} {piece}" if lines else piece
            if lines and width_px(joined, style) <= width:
                lines[-1] = joined
            else:
                lines.append(piece)
    if len(lines) <= MAX_LINES:
        return lines
    last = lines[MAX_LINES - 1]
    while width_px(last + "…", style) > width:
        last = last[:-1]
    return [*lines[: MAX_LINES - 1], last.rstrip() + "…"]


def _pieces(word: str, style: Style, width: float) -> list[str]:
    """Return a word cut where it is wider than a line (a web address, a key held down)."""
    if width_px(word, style) <= width:
        return [word]
    pieces = [""]
    for letter in word:
        if pieces[-1] and width_px(pieces[-1] + letter, style) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def fitted(text: str, style: Style, width: float) -> tuple[str, Style]:
    """Return the text in a size that fits: a figure is never cut, a cut figure is a wrong one."""
    cleaned = clean(text)
    too_wide = width_px(cleaned, style) / width
    if too_wide <= 1:
        return cleaned, style
    return cleaned, Style(max(int(style.size / too_wide), 8), style.bold, style.colour)


def font_file(*, bold: bool) -> str:
    """Return the path of the font."""
    # DejaVu comes with matplotlib, so every machine draws the same, with every Vietnamese letter.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", name))


def width_px(text: str, style: Style) -> float:
    """Return how wide a line of text is, in pixels."""
    font = get_font(font_file(bold=style.bold))
    font.set_size(style.size, 72)
    font.set_text(text, 0.0, flags=LoadFlags.FORCE_AUTOHINT)
    return float(font.get_width_height()[0]) / 64
