"""What she sends arrives once and in order, whatever the line does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.page.conftest import Server, opened

pytestmark = pytest.mark.browser


def write(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#send").click()


def expect_states(page: Page, state: str, count: int) -> None:
    expect(page.locator(f".me[data-state={state}]")).to_have_count(count)


def worker_ready(page: Page) -> None:
    page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")


def test_report_with_photo_and_two_written_offline_arrive_once_and_in_order(
    page: Page, phone: BrowserContext, server: Server, photo: Path, words: dict[str, str]
) -> None:
    worker_ready(page)
    page.locator("#photo").set_input_files(photo)
    expect(page.locator("#previews img")).to_have_count(1)
    write(page, "hôm qua trồng 150 cây")
    expect_states(page, "sent", 1)

    server.order("down")
    phone.set_offline(True)
    expect(page.locator("#banner")).to_have_text(words["page.offline"])
    write(page, "họp chi hội, 20 chị dự")
    write(page, "tặng 5 suất quà")
    expect_states(page, "unsent", 2)
    page.reload()
    expect_states(page, "unsent", 2)
    expect(page.locator(".me .text")).to_have_text(
        ["hôm qua trồng 150 cây", "họp chi hội, 20 chị dự", "tặng 5 suất quà"]
    )
    expect(page.locator(".me[data-state=unsent]").first).to_contain_text(words["page.unsent"])

    server.order("up")
    phone.set_offline(False)
    expect_states(page, "sent", 3)
    expect(page.locator("#banner")).to_be_hidden()
    assert server.texts() == ["hôm qua trồng 150 cây", "họp chi hội, 20 chị dự", "tặng 5 suất quà"]
    assert server.state()["ledger"][0]["photos"] == [["image/jpeg", 1600, 1067]]


def test_unsent_photo_survives_closing_the_tab(page: Page, phone: BrowserContext, server: Server, photo: Path) -> None:
    worker_ready(page)
    server.order("down")
    page.locator("#photo").set_input_files([photo, photo])
    expect(page.locator("#previews img")).to_have_count(2)
    write(page, "")
    expect_states(page, "unsent", 1)
    page.close()
    server.order("up")
    again = opened(phone, server)
    expect_states(again, "sent", 1)
    assert [len(entry["photos"]) for entry in server.state()["ledger"]] == [2]


@pytest.mark.parametrize("loss", ["drop_after", "garble_after"])
def test_answer_lost_after_accepting_leads_to_one_entry(page: Page, server: Server, loss: str) -> None:
    server.fault(loss)
    write(page, "một")
    write(page, "hai")
    expect_states(page, "sent", 2)
    assert server.texts() == ["một", "hai"]
    assert len(server.state()["attempts"]) == 3


def test_slow_answer_keeps_the_order_and_shows_that_it_is_sending(
    page: Page, server: Server, words: dict[str, str]
) -> None:
    server.fault("hold")
    write(page, "một")
    expect(page.locator(".me .meta").first).to_have_text(words["page.sending"])
    write(page, "hai")
    expect(page.locator(".me .meta").nth(1)).to_have_text(words["page.unsent"])
    assert len(server.state()["attempts"]) == 1
    server.order("release")
    expect_states(page, "sent", 2)
    assert server.texts() == ["một", "hai"]


def test_busy_server_is_asked_again_after_the_time_it_named(page: Page, server: Server) -> None:
    server.fault("later", status=503, retry_after=1)
    server.fault("later", status=429, retry_after=1)
    write(page, "một")
    expect_states(page, "unsent", 1)
    expect_states(page, "sent", 1)
    assert server.texts() == ["một"]
    assert len(server.state()["attempts"]) == 3


def test_retry_button_sends_at_once(page: Page, server: Server, words: dict[str, str]) -> None:
    server.fault("later", status=503, retry_after=3000)
    write(page, "một")
    page.get_by_role("button", name=words["page.retry"]).click()
    expect_states(page, "sent", 1)
    assert server.texts() == ["một"]


@pytest.mark.parametrize("status", [400, 413, 415])
def test_refused_message_shows_why_and_is_not_sent_again(
    page: Page, server: Server, words: dict[str, str], status: int
) -> None:
    server.fault("refuse", status=status, error="Tin này không đọc được.")
    write(page, "một")
    expect(page.get_by_role("alert")).to_have_text("Tin này không đọc được.")
    page.reload()
    expect(page.get_by_role("alert")).to_have_text("Tin này không đọc được.")
    write(page, "hai")
    expect_states(page, "sent", 1)
    assert server.texts() == ["hai"]
    assert len(server.state()["attempts"]) == 2
    page.get_by_role("button", name=words["page.rewrite"]).click()
    expect(page.locator("#text")).to_have_value("một")


def test_two_tabs_send_once_and_show_once(page: Page, phone: BrowserContext, server: Server) -> None:
    other = opened(phone, server)
    server.order("down")
    write(page, "một")
    expect_states(other, "unsent", 1)
    write(other, "hai")
    expect_states(page, "unsent", 2)
    server.order("up")
    expect_states(page, "sent", 2)
    expect_states(other, "sent", 2)
    server.say("Đã nhận cả hai.")
    for tab in (page, other):
        expect(tab.locator(".bot .text")).to_have_text(["Đã nhận cả hai."])
    for tab in (page, other):
        tab.reload()
        expect(tab.locator(".bot .text")).to_have_text(["Đã nhận cả hai."])
        expect(tab.locator(".me .text")).to_have_text(["một", "hai"])
    assert server.texts() == ["một", "hai"]


def test_two_tabs_without_web_locks_send_once(phone: BrowserContext, server: Server) -> None:
    phone.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})")
    tabs = [opened(phone, server), opened(phone, server)]
    server.order("down")
    for number in range(4):
        write(tabs[number % 2], str(number))
        expect_states(tabs[(number + 1) % 2], "unsent", number + 1)
    server.order("up")
    for tab in tabs:
        expect_states(tab, "sent", 4)
    assert server.texts() == ["0", "1", "2", "3"]


def test_messages_missed_while_offline_are_caught_up_once(page: Page, phone: BrowserContext, server: Server) -> None:
    server.say("một")
    expect(page.locator(".bot .text")).to_have_text(["một"])
    phone.set_offline(True)
    server.say("hai")
    server.say("ba")
    phone.set_offline(False)
    expect(page.locator(".bot .text")).to_have_text(["một", "hai", "ba"])
    page.reload()
    expect(page.locator(".bot .text")).to_have_text(["một", "hai", "ba"])


def test_messages_of_a_restored_server_are_shown_although_their_numbers_were_used(
    page: Page, phone: BrowserContext, server: Server
) -> None:
    other = opened(phone, server)
    for text in ("một", "hai", "ba"):
        server.say(text)
    expect(page.locator(".bot .text")).to_have_text(["một", "hai", "ba"])
    server.order("down")
    server.order("restore", last_id=1)
    server.order("up")
    page.reload()
    other.reload()
    server.say("hai mới")
    for tab in (page, other):
        expect(tab.locator(".bot .text")).to_have_text(["một", "hai", "ba", "hai mới"])


def test_without_a_database_it_warns_and_still_sends(
    phone: BrowserContext, server: Server, words: dict[str, str]
) -> None:
    phone.add_init_script("IDBFactory.prototype.open = () => { throw new Error('refused'); }")
    page = opened(phone, server)
    expect(page.locator("#warning")).to_have_text(words["page.volatile"])
    server.fault("drop_before")
    server.fault("drop_before")
    write(page, "một")
    expect_states(page, "sent", 1)
    assert server.texts() == ["một"]


def test_full_phone_keeps_the_message_in_memory_and_warns(page: Page, server: Server, words: dict[str, str]) -> None:
    page.evaluate(
        "() => { IDBObjectStore.prototype.put = () => { throw new DOMException('', 'QuotaExceededError'); } }"
    )
    write(page, "một")
    expect_states(page, "sent", 1)
    expect(page.locator("#warning")).to_have_text(words["page.volatile"])
    assert server.texts() == ["một"]


def test_message_says_when_she_pressed_send(page: Page, server: Server) -> None:
    write(page, "một")
    expect_states(page, "sent", 1)
    (entry,) = server.state()["ledger"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", entry["sent_at"])
    assert re.fullmatch(r"[0-9a-f]{32}", entry["id"])


def test_unsent_message_waits_for_her_when_the_server_forgot_the_visitor(
    page: Page, server: Server, words: dict[str, str]
) -> None:
    server.say("lời riêng của phiên trước")
    server.fault("later", status=503, retry_after=600)
    write(page, "một")
    expect(page.locator("#banner")).to_have_text(words["page.busy"])
    server.order("forget")
    page.get_by_role("button", name=words["page.retry"]).click()
    expect_states(page, "held", 1)
    expect(page.locator(".bot")).to_have_count(0)
    assert server.texts() == []
    page.get_by_role("button", name=words["page.send_held"]).click()
    expect_states(page, "sent", 1)
    assert server.texts() == ["một"]


def test_message_whose_writing_did_not_end_is_back_in_the_box(page: Page, server: Server) -> None:
    page.locator("#text").fill("một")
    page.evaluate("() => { IDBObjectStore.prototype.getAll = () => ({}); }")  # never answers
    page.locator("#send").click()
    expect(page.locator("#text")).to_have_value("")
    page.reload()
    expect(page.locator("#text")).to_have_value("một")
    page.locator("#send").click()
    expect_states(page, "sent", 1)
    page.reload()
    expect_states(page, "sent", 1)
    expect(page.locator("#text")).to_have_value("")
