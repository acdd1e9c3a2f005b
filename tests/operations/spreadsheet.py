"""Read a spreadsheet as plain rows of text."""

from __future__ import annotations

import zipfile
from io import BytesIO
from xml.etree import ElementTree

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rows_of(content: bytes, sheet: int) -> list[list[str]]:
    """Return the rows of the sheet with this number, from 1; every cell must be a text."""
    with zipfile.ZipFile(BytesIO(content)) as book:
        tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    found: list[list[str]] = []
    for row in tree.iter(f"{SPACE}row"):
        cells = list(row.iter(f"{SPACE}c"))
        assert {cell.get("t") for cell in cells} == {"inlineStr"}
        assert not list(row.iter(f"{SPACE}f"))
        found.append(["".join(cell.itertext()) for cell in cells])
    return found
