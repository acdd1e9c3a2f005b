"""Pictures made for the tests, and one pool a file of tests."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from bot.pictures import PicturePool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[PicturePool]:
    async with PicturePool() as running:
        yield running


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return an empty folder for what is kept."""
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


@pytest.fixture
def jpeg_of() -> Callable[[int, int], bytes]:
    """Return a maker of JPEG files of a width and height in pixels."""

    def jpeg(width: int, height: int) -> bytes:
        contents = io.BytesIO()
        Image.linear_gradient("L").resize((width, height)).convert("RGB").save(contents, "JPEG")
        return contents.getvalue()

    return jpeg
