"""The texts of charts: every Vietnamese letter there, wrapped, never a figure cut."""

from __future__ import annotations

import pytest
from matplotlib.font_manager import get_font

from bot.picture_text import Style, clean, fitted, font_file, width_px, wrapped
from bot.pictures import ChartRow, ChartSpec

VIETNAMESE = (
    "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵfjwz0123456789%·–…≥≤≈"
)


@pytest.mark.parametrize("count", [0, 31])
def test_a_chart_has_one_to_thirty_rows(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 30 rows"):
        ChartSpec("units", "Kết quả", (ChartRow("Tháng 1", 1, "1"),) * count)


@pytest.mark.parametrize("bold", [False, True])
def test_the_font_has_every_vietnamese_letter(bold: bool) -> None:
    glyphs = get_font(font_file(bold=bold)).get_charmap()
    assert [letter for letter in VIETNAMESE + VIETNAMESE.upper() if ord(letter) not in glyphs] == []


def test_text_is_wrapped_without_losing_a_word() -> None:
    text = "Số cơ sở Hội xóa được tình trạng tập hợp dưới một nửa phụ nữ từ đủ 18 tuổi trên địa bàn"
    lines = wrapped(text, Style(28), 728)
    assert len(lines) == 2 and " ".join(lines) == text
    assert all(width_px(line, Style(28)) <= 728 for line in lines)


def test_a_percent_sign_stays_with_its_number() -> None:
    assert clean("dưới  60 %\n hội viên") == "dưới 60\u00a0% hội viên"


def test_a_text_too_long_ends_in_an_ellipsis() -> None:
    lines = wrapped("rất dài " * 100, Style(28), 728)
    assert len(lines) == 3 and lines[-1].endswith("…")


def test_a_figure_is_made_smaller_and_never_cut() -> None:
    text, style = fitted("7.500.000.000 đồng và 300.000.000 đồng bằng hiện vật", Style(36, bold=True), 400)
    assert text == "7.500.000.000 đồng và 300.000.000 đồng bằng hiện vật"
    assert width_px(text, style) <= 404


def test_letters_typed_in_parts_are_put_together() -> None:
    assert clean("Tie\u0302\u0301ng Vie\u0323\u0302t") == "Tiếng Việt"
