"""A real browser at the width of an old phone, and the fake server it talks to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.page.fake_server import ROOT, WORDING, read_wording

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Server:
    """The fake server as a process of its own, spoken to over HTTP."""

    url: str

    def order(self, what: str, **body: Any) -> None:
        """Carry out an order of `fake_server.obey`."""
        data = json.dumps(body).encode()
        address = self.url.replace("/chat/", f"/control/{what}")
        request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def say(self, text: str, *labels: str, picture: dict[str, Any] | None = None, **more: Any) -> None:
        """Send a message with buttons to every visitor."""
        choices = [{"value": f"v{index}", "label": label} for index, label in enumerate(labels)]
        self.order("say", text=text, choices=choices, picture=picture, **more)

    def fault(self, do: str, **more: Any) -> None:
        """Answer the next message in a bad way."""
        self.order("fault", do=do, **more)

    def state(self) -> dict[str, Any]:
        """Return the ledger, the attempts and the number of visitors."""
        with urllib.request.urlopen(self.url.replace("/chat/", "/control/state"), timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def texts(self) -> list[str]:
        """Return the accepted texts or labels, in order of arrival."""
        return [entry["text"] or entry["label"] for entry in self.state()["ledger"]]


@pytest.fixture(scope="session")
def words() -> dict[str, str]:
    """Return the page's Vietnamese sentences by key."""
    return read_wording(WORDING)


@pytest.fixture(scope="session")
def running() -> Iterator[Server]:
    """One process for all tests; starting it takes longer than most of them."""
    command = [sys.executable, "-m", "tests.page.fake_server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Server(process.stdout.readline().strip())
        process.terminate()


@pytest.fixture
def server(running: Server) -> Server:
    """A fake server that remembers nothing of the tests before."""
    running.order("anew")
    return running


def chromium() -> str:
    """Return the browser's path; where a machine of the checks has none, that is a failure, elsewhere a skip."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is not installed, and the page is not tested without it")
    if found is None:
        pytest.skip("Chromium is not installed: the chat page is not tested here")
    return found


# One per module: a session-wide one would keep Playwright's event loop running under the asyncio tests.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile 360 px wide; anything the page logs as an error fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="vi-VN")
    context.set_default_timeout(15_000)
    crashes: list[str] = []
    context.on("weberror", lambda error: crashes.append(str(error.error)))
    yield context
    context.close()
    assert crashes == []


@pytest.fixture
def page(phone: BrowserContext, server: Server) -> Page:
    """The chat page, open and connected."""
    return opened(phone, server)


def opened(phone: BrowserContext, server: Server) -> Page:
    """Open the page in a new tab and wait until it has spoken with the server."""
    page = phone.new_page()
    with page.expect_response(lambda answer: "/chat/messages?" in answer.url):
        page.goto(server.url)
    return page


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A large photo as a phone's camera makes it."""
    path = tmp_path / "camera.jpg"
    Image.effect_noise((3000, 2000), 40).convert("RGB").save(path, quality=90)
    return path
