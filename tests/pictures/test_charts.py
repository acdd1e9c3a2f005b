"""Charts are read on a phone: nothing cut, nothing lost between magnitudes, light enough for a weak line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import segno
from PIL import Image

from bot.pictures import ChartRow, ChartSpec, Photo, PictureJobFailed, PicturePool

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUSEHOLDS = ChartRow("Số hộ được giúp đạt “5 không, 3 sạch”", 13_577, "13.577 hộ", 12_000, "vượt 13 %")
COOPERATIVES = ChartRow("Số hợp tác xã thành lập mới", 44, "44", 40, "vượt 10 %")
LAGGING = ChartRow("Số hội viên phát triển mới", 55_949, "55.949 người", 70_000, "đạt 79,9 %")
MONEY = ChartRow("Giá trị hỗ trợ vận động được", 25_000_000_000, "trên 25 tỷ đồng")
CHART = ChartSpec("targets", "Kết quả thi đua năm 2023", (HOUSEHOLDS, COOPERATIVES), target_label="Chỉ tiêu")


async def draw(pool: PicturePool, spec: ChartSpec, folder: Path) -> tuple[Photo, Image.Image]:
    photo = await pool.draw_chart(spec, folder)
    with Image.open(folder / photo.file_name) as picture:
        assert picture.format == "PNG"
        return photo, picture.convert("RGB")


def bars(picture: Image.Image, *, orange: bool = False) -> list[int]:
    """Return the lengths of the blue (or orange) bars in pixels, from the top."""
    lengths, inside = [], False
    for y in range(picture.height):
        row = picture.crop((0, y, picture.width, y + 1)).tobytes()
        length = sum(is_bar(*row[x : x + 3], orange=orange) for x in range(0, len(row), 3))
        if length > 2 and not inside:
            lengths.append(0)
        inside = length > 2
        if inside:
            lengths[-1] = max(lengths[-1], length)
    return lengths


def is_bar(red: int, green: int, blue: int, *, orange: bool) -> bool:
    return red - blue > 120 if orange else blue - red > 100


async def test_a_chart_is_a_light_png_as_wide_as_said(pool: PicturePool, kept: Path) -> None:
    photo, picture = await draw(pool, CHART, kept)
    assert photo.media_type == "image/png"
    assert (photo.width, photo.height) == picture.size
    assert photo.width == 800 and 300 < photo.height < 700
    assert photo.size_bytes == (kept / photo.file_name).stat().st_size < 60_000


async def test_thousands_and_tens_are_both_seen_against_their_targets(pool: PicturePool, kept: Path) -> None:
    thousands, tens = bars((await draw(pool, CHART, kept))[1])
    assert thousands > tens > 600


async def test_what_is_below_its_target_has_another_colour_and_its_true_length(pool: PicturePool, kept: Path) -> None:
    _, picture = await draw(pool, replace(CHART, rows=(HOUSEHOLDS, LAGGING)), kept)
    assert len(bars(picture)) == 1
    (length,) = bars(picture, orange=True)
    assert length == pytest.approx(728 * 0.8 * 55_949 / 70_000, abs=3)


async def test_a_figure_without_a_target_gets_no_bar_beside_those_with_one(pool: PicturePool, kept: Path) -> None:
    _, picture = await draw(pool, replace(CHART, rows=(HOUSEHOLDS, MONEY)), kept)
    assert len(bars(picture)) == 1


@pytest.mark.parametrize("kind", ["units", "months"])
async def test_one_indicator_compared_shares_one_scale(pool: PicturePool, kept: Path, kind: str) -> None:
    rows = tuple(ChartRow(f"Tháng {number}", number * 100.0, f"{number}00") for number in (1, 2, 4))
    spec = replace(CHART, rows=rows, target_label="")
    spec = replace(spec, kind="units") if kind == "units" else replace(spec, kind="months")
    small, middle, large = bars((await draw(pool, spec, kept))[1])
    assert middle == pytest.approx(large / 2, abs=3)
    assert small == pytest.approx(large / 4, abs=3)


@pytest.mark.parametrize("kind", ["units", "months", "targets"])
async def test_nothing_reported_is_drawn_unlike_zero(pool: PicturePool, kept: Path, kind: str) -> None:
    pictures = []
    for value in (0.0, None):
        rows = (ChartRow("Tháng 7", value, "0", 10), ChartRow("Tháng 8", 5, "5", 10))
        spec = replace(CHART, rows=rows)
        spec = replace(spec, kind="units") if kind == "units" else spec
        spec = replace(spec, kind="months") if kind == "months" else spec
        pictures.append((await draw(pool, spec, kept))[1])
    assert pictures[0].tobytes() != pictures[1].tobytes()


async def test_a_commune_of_thirty_chapters_fits_on_one_light_picture(pool: PicturePool, kept: Path) -> None:
    rows = tuple(ChartRow(f"Chi hội làng Kon Sơ Lăng {n}", n * 7 % 90, f"{n * 7 % 90} người", 60) for n in range(30))
    photo, _ = await draw(pool, replace(CHART, kind="units", rows=rows), kept)
    assert photo.height < 3_000 and photo.size_bytes < 60_000


async def test_hostile_and_endless_texts_are_drawn_without_harm(pool: PicturePool, kept: Path) -> None:
    row = ChartRow("nhãn rất dài " * 40, -5, "$\\frac{1}{0}$ \x00\ud800\U0001f9ff", 1e-300, "a" * 3_000)
    spec = ChartSpec("targets", "tiêu đề " * 300, (row, row), "phụ đề " * 300, "nguồn " * 300, "chỉ tiêu " * 99)
    photo, _ = await draw(pool, spec, kept)
    assert photo.height < 2_000


async def test_figures_of_zero_and_texts_of_nothing_are_drawn(pool: PicturePool, kept: Path) -> None:
    for kind in ("targets", "units", "months"):
        spec = replace(CHART, rows=(ChartRow("", 0, "", 0), ChartRow("", None, "")), title="")
        spec = replace(spec, kind="units") if kind == "units" else spec
        spec = replace(spec, kind="months") if kind == "months" else spec
        assert (await draw(pool, spec, kept))[0].width == 800


async def test_a_qr_code_holds_the_text_in_a_white_frame(pool: PicturePool, kept: Path) -> None:
    text = "https://example.vn/moi/ABCDEF-123456"
    photo = await pool.draw_qr(text, kept)
    assert photo.media_type == "image/png" and photo.size_bytes < 5_000 and 400 <= photo.width <= 600
    code = segno.make_qr(text, error="m")
    modules = code.symbol_size()[0]
    step = photo.width // int(modules)
    with Image.open(kept / photo.file_name) as picture:
        grey = picture.convert("L")
    read = [
        [grey.getpixel((x * step + step // 2, y * step + step // 2)) for x in range(int(modules))]
        for y in range(int(modules))
    ]
    dark = [[level == 0 for level in row] for row in read]
    assert dark == [[bool(module) for module in row] for row in code.matrix_iter(border=4)]


async def test_a_text_too_long_for_a_qr_code_is_refused(pool: PicturePool, kept: Path) -> None:
    with pytest.raises(PictureJobFailed, match="ValueError"):
        await pool.draw_qr("dài " * 200, kept)
