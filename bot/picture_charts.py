"""Draw a chart that is read on a phone: big figures, one bar a line, every number written out.

Loaded only in the helper process. The picture is 800 pixels wide and shown at about 340, so 26 pixels
here are 11 there. Figures of different magnitude never share a scale: each is measured against its target.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from PIL import Image

from bot.picture_contract import ChartRow, ChartSpec
from bot.picture_text import INK, Style, clean, fitted, font_file, width_px, wrapped

WIDTH = 800
MARGIN = 36
INNER = WIDTH - 2 * MARGIN
BAR = 26
MAX_CARDS = 10
# Few colours make the file a third of the size, which a weak line feels; letters stay smooth down to eight.
COLOURS = (24, 12, 8)
AMPLE_BYTES = 60_000

# Blue and orange stay apart for every kind of colour blindness; what is reached is also seen from the mark.
REACHED = "#0067A5"
BELOW = "#E08A00"
NEUTRAL = "#557A99"
TRACK = "#E4E9EE"
SOFT = "#52606D"
PAPER = "#FFFFFF"

# Where the target stands on a bar measured against it: what goes beyond stays visible up to 125 %.
TARGET_AT = 0.8


TITLE = Style(38, bold=True)
SUBTITLE = Style(27, colour=SOFT)
LABEL = Style(28)
VALUE = Style(36, bold=True)
NOTE = Style(27, colour=SOFT)
FOOTER = Style(24, colour=SOFT)
LINE_VALUE = Style(29, bold=True)


@dataclass(frozen=True, slots=True)
class Word:
    """A line of text at its baseline."""

    x: float
    y: float
    text: str
    style: Style
    right: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar on its track, lengths in pixels; `mark` is where the target stands, `overflow` that more
    is cut off. Not `known` is drawn hollow: nothing reported is not zero."""

    x: float
    y: float
    track: float
    length: float
    colour: str
    mark: float | None = None
    overflow: bool = False
    known: bool = True
    thickness: int = BAR


Shape = Word | Bar


def chart_png(spec: ChartSpec) -> tuple[bytes, tuple[int, int]]:
    """Return the chart as a PNG with its width and height in pixels."""
    shapes, top = _header(spec)
    rows, top = _layout(spec)(spec, top)
    footer, top = _footer(spec, top)
    height = round(top + MARGIN * 0.7)
    return _png(_paint([*shapes, *rows, *footer], height)), (WIDTH, height)


def _layout(spec: ChartSpec) -> Callable[[ChartSpec, float], tuple[list[Shape], float]]:
    if spec.kind == "months":
        return _months
    return _list if spec.kind == "units" and len(spec.rows) > MAX_CARDS else _cards


def _header(spec: ChartSpec) -> tuple[list[Shape], float]:
    shapes, top = _paragraph(spec.title, TITLE, float(MARGIN) * 0.8)
    lines, top = _paragraph(spec.subtitle, SUBTITLE, top + 4)
    shapes += lines
    if spec.target_label:
        top += NOTE.line + 10
        shapes.append(Bar(MARGIN, top - BAR + 2, 0, 0, REACHED, mark=6))
        shapes.append(Word(MARGIN + 24, top - 3, " ".join(wrapped(spec.target_label, NOTE, INNER - 24)[:1]), NOTE))
    return shapes, top + 30


def _footer(spec: ChartSpec, top: float) -> tuple[list[Shape], float]:
    return _paragraph(spec.footer, FOOTER, top - 4) if spec.footer else ([], top)


def _paragraph(text: str, style: Style, top: float, *, width: float = INNER) -> tuple[list[Shape], float]:
    """Return the lines of a text under `top` and where the next thing may start."""
    lines = wrapped(text, style, width)
    shapes: list[Shape] = [
        Word(MARGIN, top + style.size + number * style.line, line, style) for number, line in enumerate(lines)
    ]
    return shapes, top + len(lines) * style.line


def _cards(spec: ChartSpec, top: float) -> tuple[list[Shape], float]:
    """Return one block a row: its name, its figure with what is said of the target, its bar."""
    shapes: list[Shape] = []
    for row in spec.rows:
        label, top = _paragraph(row.label, LABEL, top)
        figures, top = _figures(row, top)
        bar = _bar(row, spec, MARGIN, INNER)
        shapes += [*label, *figures, *([bar(y=top + 14)] if bar else [])]
        top += (14 + BAR if bar else 0) + 34
    return shapes, top


def _figures(row: ChartRow, top: float) -> tuple[list[Shape], float]:
    """Return the figure on the left and the note on the right, or below it where both do not fit."""
    shown, style = fitted(row.shown, _value_style(row, VALUE), INNER)
    baseline = top + VALUE.size + 4
    shapes: list[Shape] = [Word(MARGIN, baseline, shown, style)]
    if not row.note:
        return shapes, baseline + 2
    if width_px(shown, style) + width_px(clean(row.note), NOTE) + 24 <= INNER:
        return [*shapes, Word(WIDTH - MARGIN, baseline, clean(row.note), NOTE, right=True)], baseline + 2
    lines, top = _paragraph(row.note, NOTE, baseline + 10)
    return [*shapes, *lines], top - 4


def _list(spec: ChartSpec, top: float) -> tuple[list[Shape], float]:
    """Return a long comparison: name and figure on one line over a bar. Notes have no room here."""
    shapes: list[Shape] = []
    for row in spec.rows:
        shown, style = fitted(row.shown, _value_style(row, LINE_VALUE), INNER * 0.5)
        label, below = _paragraph(row.label, LABEL, top, width=INNER - 24 - width_px(shown, style))
        shapes += [*label, Word(WIDTH - MARGIN, top + LABEL.size, shown, style, right=True)]
        bar = _bar(row, spec, MARGIN, INNER)
        shapes += [bar(y=below + 8, thickness=14)] if bar else []
        top = below + 8 + 14 + 20
    return shapes, top + 8


def _months(spec: ChartSpec, top: float) -> tuple[list[Shape], float]:
    """Return one line a row: month, bar, figure. Notes have no room here."""
    labels = [fitted(row.label, LABEL, INNER * 0.3) for row in spec.rows]
    shown = [fitted(row.shown, _value_style(row, LINE_VALUE), INNER * 0.42) for row in spec.rows]
    left = MARGIN + max(width_px(*label) for label in labels) + 18
    track = WIDTH - MARGIN - 18 - max(width_px(*value) for value in shown) - left
    shapes: list[Shape] = []
    for row, label, value in zip(spec.rows, labels, shown, strict=True):
        shapes += [Word(MARGIN, top + 30, *label), Word(WIDTH - MARGIN, top + 30, *value, right=True)]
        bar = _bar(row, spec, left, track)
        shapes += [bar(y=top + 7)] if bar else []
        top += 56
    return shapes, top + 10


def _value_style(row: ChartRow, style: Style) -> Style:
    return Style(style.size - 6, colour=SOFT) if row.value is None else style


def _full_scale(target: float | None, spec: ChartSpec) -> float | None:
    """Return the figure that fills a whole bar: the row's own in `targets`, the same for all elsewhere."""
    if spec.kind == "targets":
        return target / TARGET_AT if target else None
    figures = (figure for row in spec.rows for figure in (row.value, row.target) if figure)
    return max((1e-9, *figures))


def _colour(row: ChartRow, spec: ChartSpec) -> str:
    if row.target:
        return REACHED if (row.value or 0) >= row.target else BELOW
    return NEUTRAL if any(other.target for other in spec.rows) else REACHED


def _bar(row: ChartRow, spec: ChartSpec, x: float, track: float) -> partial[Bar] | None:
    """Return the bar without its height on the page; None where there is nothing to measure against."""
    target = row.target if row.target and row.target > 0 else None
    full = _full_scale(target, spec)
    if not full:
        return None
    share = max(row.value or 0.0, 0.0) / full
    return partial(
        Bar,
        x=x,
        track=track,
        # A little that was done must not look like nothing.
        length=max(min(share, 1.0) * track, 4.0 if share else 0.0),
        colour=_colour(row, spec),
        mark=target / full * track if target else None,
        overflow=share > 1,
        known=row.value is not None,
    )


def _paint(shapes: Sequence[Shape], height: int) -> Image.Image:
    """Return the shapes as pixels: one point is one pixel, and y runs downwards."""
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    axes.axis("off")
    for shape in shapes:
        if isinstance(shape, Word):
            _paint_word(axes, shape)
        else:
            _paint_bar(axes, shape)
    pixels = io.BytesIO()
    figure.savefig(pixels, format="raw")
    return Image.frombytes("RGBA", (WIDTH, height), pixels.getvalue()).convert("RGB")


def _paint_word(axes: Axes, word: Word) -> None:
    axes.text(
        word.x,
        word.y,
        word.text,
        color=word.style.colour,
        font=Path(font_file(bold=word.style.bold)),
        fontsize=word.style.size,
        horizontalalignment="right" if word.right else "left",
        verticalalignment="baseline",
        parse_math=False,  # a dollar sign is a dollar sign
    )


def _paint_bar(axes: Axes, bar: Bar) -> None:
    rounding = f"round,pad=0,rounding_size={bar.thickness / 4}"
    if bar.track:
        track = FancyBboxPatch(
            (bar.x, bar.y), bar.track, bar.thickness, boxstyle=rounding, facecolor=TRACK, edgecolor="none"
        )
        if not bar.known:
            track.set(facecolor=PAPER, edgecolor="#A9B4BF", linestyle=(0, (4, 3)), linewidth=1.5)
        axes.add_patch(track)
        axes.add_patch(Rectangle((bar.x, bar.y), bar.length, bar.thickness, facecolor=bar.colour, clip_path=track))
    if bar.overflow:
        tip, middle = bar.x + bar.track - 10, bar.y + bar.thickness / 2
        axes.add_patch(Polygon([(tip - 9, middle - 8), (tip, middle), (tip - 9, middle + 8)], facecolor=PAPER))
    if bar.mark is not None:
        for width, colour in ((9, PAPER), (5, INK)):
            axes.add_patch(
                Rectangle((bar.x + bar.mark - width / 2, bar.y - 7), width, bar.thickness + 14, facecolor=colour)
            )


def _png(picture: Image.Image) -> bytes:
    """Return a PNG under 60 kB where eight colours or more allow it."""
    png = b""
    for colours in COLOURS:
        contents = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(contents, "PNG", optimize=True)
        png = contents.getvalue()
        if len(png) < AMPLE_BYTES:
            break
    return png
