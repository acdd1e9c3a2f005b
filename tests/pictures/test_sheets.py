"""Spreadsheets hold texts and nothing that reckons, and are written in the helper process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.pictures import PicturePool
from bot.sheets import safe, write
from tests.operations.spreadsheet import rows_of


def rows_in(folder: Path, *rows: tuple[int, list[str]]) -> Path:
    file = folder / "rows"
    sheets = [{"name": "Số", "widths": [10, 10]}, {"name": "Người", "widths": [10]}]
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (sheets, *rows)), encoding="utf-8")
    return file


@pytest.mark.parametrize("cell", ["=1+1", "+84", "-x", "@SUM(A1)", "\tx", "\rx", "\0x"])
def test_a_cell_that_a_program_would_reckon_gets_a_quote(cell: str) -> None:
    assert safe(cell) == f"'{cell}"
    assert safe(f"a{cell}") == f"a{cell}"
    assert safe("") == ""


def test_every_cell_is_a_text_even_one_that_looks_like_a_number_or_a_link(tmp_path: Path) -> None:
    cells = ["150", "https://example.org", "=HYPERLINK(1)", "Rơ Châm H'Bia 😊", ""]
    written = write(rows_in(tmp_path, (0, cells), (1, ["sau"])), tmp_path / "made.xlsx")
    content = (tmp_path / "made.xlsx").read_bytes()
    assert rows_of(content, 1) == [["150", "https://example.org", "'=HYPERLINK(1)", "Rơ Châm H'Bia 😊", ""]]
    assert rows_of(content, 2) == [["sau"]]
    assert (written.rows, written.size_bytes) == (2, len(content))


async def test_the_helper_process_writes_it(tmp_path: Path) -> None:
    async with PicturePool() as pool:
        await pool.write_sheet(rows_in(tmp_path, (0, ["a", "b"])), tmp_path / "made.xlsx")
    assert rows_of((tmp_path / "made.xlsx").read_bytes(), 1) == [["a", "b"]]


def test_twenty_thousand_rows_take_a_moment(tmp_path: Path) -> None:
    people = [(1, [f"Nguyễn Thị Hoa {number}", "Chi hội làng Bối", "đã gửi", "", "09:00"]) for number in range(20_000)]
    assert write(rows_in(tmp_path, *people), tmp_path / "made.xlsx").rows == 20_000
