"""Write a spreadsheet from rows in a file. Loaded only where one is written: in the helper process, or by a command.

The file of rows holds JSON, a line each: first the sheets as `[{"name", "widths"}, …]`, then `[sheet, [cell, …]]` for
every row, sheet after sheet. Cells are texts and stay texts: nothing a person wrote becomes a formula.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import xlsxwriter

from bot.picture_contract import Sheet

RISKY = ("=", "+", "-", "@", "\t", "\r", "\0")
"""What a cell must not begin with: a spreadsheet program would reckon or send something (ASVS 1.2.10)."""

MOST_ROWS = 1_048_576
_OPTIONS = {
    "constant_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}


def write(rows: Path, target: Path) -> Sheet:
    """Write the spreadsheet `target` from a file of rows; a sheet that is full takes no more of them."""
    book = xlsxwriter.Workbook(str(target), _OPTIONS)
    count = 0
    with rows.open(encoding="utf-8") as lines:
        sheets = [_sheet(book, each) for each in json.loads(next(lines))]
        written = [0] * len(sheets)
        for line in lines:
            number, cells = json.loads(line)
            if written[number] < MOST_ROWS:
                _write_row(sheets[number], written[number], cells)
                written[number] += 1
                count += 1
    book.close()
    return Sheet(count, target.stat().st_size)


def _sheet(book: Any, described: dict[str, Any]) -> Any:
    sheet = book.add_worksheet(described["name"])
    for column, width in enumerate(described["widths"]):
        sheet.set_column(column, column, width)
    return sheet


def _write_row(sheet: Any, number: int, cells: list[str]) -> None:
    for column, cell in enumerate(cells):
        sheet.write_string(number, column, safe(cell))


def safe(cell: str) -> str:
    """Return a cell's text so that no spreadsheet program takes it for more than text."""
    return f"'{cell}" if cell.startswith(RISKY) else cell
