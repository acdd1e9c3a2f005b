"""What she sees: text as text, buttons, pictures, the limits, the ways out, and the page for those who see little."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from bot.page_mail import mail, shown
from dialogue.messages import Rendered
from storage.mailbox import Posted
from tests.page.conftest import Server, chromium, opened
from tests.page.fake_server import ROOT

pytestmark = pytest.mark.browser

PAGE = ROOT / "bot" / "channels" / "page"
FIRST_LOAD_BYTES = 60_000
STORED = """async () => {
    const databases = await indexedDB.databases();
    const all = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
    const table = (db) => db.transaction('entries').objectStore('entries');
    const read = async (name) => all(table(await all(indexedDB.open(name))).getAll());
    const entries = (await Promise.all(databases.map((one) => read(one.name)))).flat();
    return entries.map((entry) => entry.text);
}"""


def write(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#send").click()


def expect_states(page: Page, state: str, count: int) -> None:
    expect(page.locator(f".me[data-state={state}]")).to_have_count(count)


def choice(page: Page, label: str) -> Locator:
    return page.get_by_role("button", name=label, exact=True)


# --- Text ---


def test_markup_in_any_text_is_shown_as_text(page: Page, server: Server) -> None:
    hostile = "<img src=x onerror=\"document.title='x'\"><b>đậm</b>"
    bad = {"url": "javascript:alert(1)", "width": 10, "height": 10, "alt": hostile}
    server.say(hostile, hostile, picture=bad)
    write(page, hostile)
    expect_states(page, "sent", 1)
    expect(page.locator(".message .text")).to_have_text([hostile, hostile])
    expect(page.locator(".choices button")).to_have_text(hostile)
    assert page.locator("#log img, #log b, #log a").count() == 0


def test_marked_words_are_underlined_also_after_a_reload_and_behind_an_emoji(page: Page, server: Server) -> None:
    text = "😀 “trồng 150 cây, <b>kết</b> nạp 3 hv”\n• Số cây"
    marked = ("trồng 150 cây", "<b>kết</b> nạp 3 hv")
    marks = tuple((text.index(words), text.index(words) + len(words)) for words in marked)
    body = mail(1, Rendered(text, marks=marks), name=None, size=None)
    server.say(text, parts=shown(Posted(1, 1, body, datetime.now(UTC)))["parts"])
    for _ in range(2):
        expect(page.locator(".bot mark")).to_have_text(list(marked))
        assert page.locator(".bot .text").text_content() == text
        style = page.locator(".bot mark").first.evaluate("(mark) => getComputedStyle(mark).textDecorationLine")
        assert style == "underline"
        page.reload()


def test_long_word_wraps_on_a_narrow_phone(page: Page, server: Server) -> None:
    server.say("dài" * 200, "nút" * 40)
    write(page, "w" * 600)
    expect_states(page, "sent", 1)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    assert page.evaluate("() => document.getElementById('log').scrollWidth") == 360


def test_too_long_text_is_kept_whole_and_noted(page: Page, server: Server, words: dict[str, str]) -> None:
    page.locator("#text").fill("ệ" * 4001)
    expect(page.locator("#note")).to_have_text(words["page.too_long"].format(limit="4.000", count="1"))
    expect(page.locator("#send")).to_be_disabled()
    page.locator("#text").fill("ệ" * 4000)
    expect(page.locator("#note")).to_be_empty()
    page.locator("#send").click()
    expect_states(page, "sent", 1)
    assert [len(text) for text in server.texts()] == [4000]


def test_enter_sends_on_a_desk_and_shift_enter_is_a_new_line(page: Page, server: Server) -> None:
    page.locator("#text").press_sequentially("một")
    page.keyboard.press("Shift+Enter")
    page.locator("#text").press_sequentially("hai")
    page.keyboard.press("Enter")
    expect_states(page, "sent", 1)
    assert server.texts() == ["một\nhai"]


def test_draft_survives_a_reload(page: Page) -> None:
    page.locator("#text").fill("đang viết dở")
    page.reload()
    expect(page.locator("#text")).to_have_value("đang viết dở")


# --- Buttons ---


def test_pressed_button_sends_its_value_and_label_and_closes(page: Page, server: Server) -> None:
    server.say("Đúng chưa?", "Đúng rồi", "Sửa lại")
    choice(page, "Đúng rồi").click()
    expect_states(page, "sent", 1)
    expect(page.locator(".me .text")).to_have_text("Đúng rồi")
    expect(choice(page, "Đúng rồi")).to_be_disabled()
    expect(choice(page, "Sửa lại")).to_be_disabled()
    (entry,) = server.state()["ledger"]
    assert (entry["text"], entry["choice"], entry["label"]) == (None, "v0", "Đúng rồi")


def test_answering_an_older_message_leaves_the_newer_one_open(page: Page, server: Server) -> None:
    server.say("Báo cáo một", "Duyệt một")
    server.say("Báo cáo hai", "Duyệt hai")
    choice(page, "Duyệt một").click()
    expect(choice(page, "Duyệt một")).to_be_disabled()
    expect(choice(page, "Duyệt hai")).to_be_enabled()
    write(page, "xong")
    expect(choice(page, "Duyệt hai")).to_be_disabled()


def test_refused_answer_opens_its_buttons_again(page: Page, server: Server) -> None:
    server.say("Đúng chưa?", "Đúng rồi")
    server.fault("refuse", status=400, error="Xin thử lại.")
    choice(page, "Đúng rồi").click()
    expect_states(page, "refused", 1)
    expect(choice(page, "Đúng rồi")).to_be_enabled()


# --- Photos and pictures ---


def test_photo_can_be_removed_and_at_most_five_go(
    page: Page, server: Server, words: dict[str, str], photo: Path
) -> None:
    page.locator("#photo").set_input_files([photo] * 6)
    expect(page.locator("#previews li")).to_have_count(5)
    expect(page.locator("#note")).to_have_text(words["page.too_many_photos"].format(limit=5))
    page.get_by_role("button", name=words["page.remove_photo"].format(number=2)).click()
    expect(page.locator("#previews li")).to_have_count(4)
    page.locator("#send").click()
    expect_states(page, "sent", 1)
    assert [len(entry["photos"]) for entry in server.state()["ledger"]] == [4]


def test_file_that_is_no_photo_is_refused_with_a_note(page: Page, words: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("không phải ảnh")
    page.locator("#photo").set_input_files(tmp_path / "note.txt")
    expect(page.locator("#note")).to_have_text(words["page.bad_photo"])
    expect(page.locator("#send")).to_be_enabled()


def place(element: Locator) -> tuple[int, int, int, int]:
    box = element.bounding_box()
    assert box is not None
    return round(box["x"]), round(box["y"]), round(box["width"]), round(box["height"])


def test_picture_keeps_its_place_before_it_is_there_and_opens_large(
    page: Page, server: Server, words: dict[str, str]
) -> None:
    page.emulate_media(reduced_motion="reduce")
    server.order("picture", name="slow12.png", width=800, height=600)
    server.say("Kết quả:", picture={"url": "pictures/slow12.png", "width": 800, "height": 600, "alt": "Biểu đồ"})
    image = page.get_by_role("img", name="Biểu đồ")
    expect(image).to_be_visible()
    before = place(image)
    assert abs(before[2] - before[3] * 4 / 3) <= 2
    server.order("release")
    page.wait_for_function("() => document.querySelector('.picture img').naturalWidth === 800")
    assert place(image) == before
    image.click()
    expect(page.locator("#large img")).to_be_visible()
    choice(page, words["page.close"]).click()
    expect(page.locator("#large img")).to_be_hidden()


def test_a_file_is_a_link_and_one_from_elsewhere_is_none(page: Page, server: Server, words: dict[str, str]) -> None:
    server.say("Bảng kết quả:", file={"url": "files/TN-7K3M.xlsx", "name": "TN-7K3M.xlsx"})
    link = page.get_by_role("link", name=words["page.file"].replace("{name}", "TN-7K3M.xlsx"))
    expect(link).to_have_attribute("href", "files/TN-7K3M.xlsx")
    expect(link).to_have_attribute("download", "TN-7K3M.xlsx")
    server.say("Lạ:", file={"url": "https://example.org/TN-7K3M.xlsx", "name": "x"})
    expect(page.get_by_text("Lạ:")).to_be_visible()
    expect(page.locator("a.file")).to_have_count(1)


# --- Ways out ---


def neutral(phone: BrowserContext, words: dict[str, str]) -> None:
    phone.route(words["page.exit_url"] + "**", lambda route: route.fulfill(body="neutral"))


@pytest.mark.parametrize("way", ["button", "keys"])
def test_quick_exit_leaves_nothing_to_read_and_still_sends_what_was_unsent(
    page: Page, phone: BrowserContext, server: Server, words: dict[str, str], way: str
) -> None:
    neutral(phone, words)
    server.say("lời của trợ lý")
    expect(page.locator(".bot")).to_have_count(1)
    server.fault("later", status=503, retry_after=600)
    write(page, "lời riêng")
    expect(page.locator("#banner")).to_have_text(words["page.busy"])
    if way == "button":
        choice(page, words["page.exit"]).click()
    else:
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    page.wait_for_url(words["page.exit_url"] + "**")
    again = opened(phone, server)
    expect(again.locator(".me .text")).to_have_text(words["page.hidden"])
    expect_states(again, "sent", 1)
    assert "lời" not in again.locator("body").inner_text()
    assert server.texts() == ["lời riêng"]
    page.go_back()
    assert "lời" not in page.locator("body").inner_text()


def test_quick_exit_in_one_tab_leaves_in_all(
    page: Page, phone: BrowserContext, server: Server, words: dict[str, str]
) -> None:
    neutral(phone, words)
    other = opened(phone, server)
    choice(page, words["page.exit"]).click()
    other.wait_for_url(words["page.exit_url"] + "**")


def test_log_out_asks_tells_of_unsent_and_erases_the_phone(page: Page, server: Server, words: dict[str, str]) -> None:
    server.say("lời của trợ lý")
    server.fault("later", status=503, retry_after=600)
    write(page, "lời riêng")
    expect(page.locator("#banner")).to_have_text(words["page.busy"])
    page.locator("#logout").click()
    expect(page.locator("#ask-text")).to_have_text(words["page.logout_unsent"].format(count=1))
    choice(page, words["page.cancel"]).click()
    expect_states(page, "unsent", 1)
    assert page.evaluate(STORED) == ["lời của trợ lý", "lời riêng"]
    page.locator("#logout").click()
    with page.expect_navigation():
        page.locator("#ask-yes").click()
    expect(page.locator("#log")).to_have_attribute("aria-busy", "false")
    assert page.evaluate(STORED) == []
    assert server.texts() == []
    assert server.state()["visitors"] == 1


def test_log_out_without_a_line_hides_all_and_finishes_later(
    page: Page, phone: BrowserContext, server: Server, words: dict[str, str]
) -> None:
    server.say("lời của trợ lý")
    expect(page.locator(".bot")).to_have_count(1)
    phone.set_offline(True)
    page.locator("#logout").click()
    page.locator("#ask-yes").click()
    expect(page.locator("#banner")).to_have_text(words["page.logout_waits"])
    assert page.evaluate(STORED) == []
    page.close()
    phone.set_offline(False)
    again = phone.new_page()
    again.goto(server.url)
    expect(again.locator("#log")).to_have_attribute("aria-busy", "false")
    expect(again.locator(".bot")).to_have_count(0)


# --- For everybody ---


def test_every_control_has_a_name_and_is_large_enough(page: Page, server: Server, photo: Path) -> None:
    server.say("Chọn:", "Có", "Không")
    page.locator("#photo").set_input_files(photo)
    expect(page.locator("#previews button")).to_be_visible()
    for control in page.locator("button:visible, input:visible, textarea:visible, a:visible").all():
        box = control.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44, control.evaluate("(e) => e.outerHTML")
        assert control.evaluate("(e) => e.getAttribute('aria-label') || e.textContent.trim()")


def test_page_speaks_to_a_screen_reader(page: Page, server: Server, words: dict[str, str]) -> None:
    log = page.get_by_role("log", name=words["page.log"])
    expect(log).to_have_attribute("aria-live", "polite")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(page.get_by_role("heading", level=1)).to_have_text(words["page.title"])
    expect(page.get_by_role("textbox", name=words["page.write"])).to_be_visible()
    server.say("Chào chị")
    write(page, "Chào")
    expect(log).to_contain_text(words["page.bot"] + ": ")
    expect(log).to_contain_text(words["page.me"] + ": ")


def test_everything_is_reached_by_keyboard_in_a_sensible_order(page: Page, server: Server) -> None:
    server.say("Chọn:", "Có")
    expect(choice(page, "Có")).to_be_visible()
    page.locator("body").click(position={"x": 1, "y": 1})
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id || document.activeElement.className"))
    assert reached == ["logout", "exit", "log", "choice", "photo", "text", "send"]


def luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


COLOURS = """(element) => {
    const style = getComputedStyle(element);
    let ground = element;
    while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
    return [style.color, getComputedStyle(ground).backgroundColor, style.fontSize];
}"""


def test_text_is_large_and_stands_out(page: Page, server: Server) -> None:
    server.say("Chọn:", "Có", "Không")
    choice(page, "Có").click()
    expect_states(page, "sent", 1)
    server.fault("refuse", status=400, error="Không được.")
    write(page, "một")
    expect_states(page, "refused", 1)
    server.order("down")
    write(page, "hai")
    expect(page.locator("#banner")).to_be_visible()
    shown = "h1, #banner, .text, .error, .choices button, .small, header button, #send, #text, .meta"
    for element in page.locator(shown).all():
        ink, ground, size = element.evaluate(COLOURS)
        assert contrast(ink, ground) >= 4.5, element.evaluate("(e) => e.outerHTML")
        assert float(size.removesuffix("px")) >= 16


def test_text_twice_as_large_still_fits(page: Page, server: Server) -> None:
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")
    server.say("Kết quả của chi hội tháng này", "Đồng ý gửi lên xã", "Sửa lại")
    expect(choice(page, "Sửa lại")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    for selector in ("#exit", "#logout", "#send", "#text"):
        box = page.locator(selector).bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 360
        assert 0 <= box["y"] <= box["y"] + box["height"] <= 740
    log = page.locator("#log").bounding_box()
    assert log is not None
    assert log["height"] >= 300
    for selector in ("#text", "#send", "#exit"):
        assert page.locator(selector).evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")


def test_nothing_moves_when_she_asked_for_less_motion(phone: BrowserContext, server: Server) -> None:
    page = opened(phone, server)
    page.emulate_media(reduced_motion="reduce")
    server.say("Chào")
    assert page.locator(".bot").evaluate("(e) => getComputedStyle(e).animationName") == "none"


# --- The page as files ---


def test_first_load_is_small_and_from_one_host(phone: BrowserContext, server: Server) -> None:
    page = phone.new_page()
    sizes: dict[str, int] = {}
    page.on("requestfinished", lambda request: sizes.update({request.url: 0}))
    page.goto(server.url)
    expect(page.locator("#log")).to_have_attribute("aria-busy", "false")
    loaded = [url for url in sizes if "/chat/messages" not in url]
    assert all(url.startswith(server.url) for url in sizes)
    total = sum(len(page.request.get(url).body()) for url in set(loaded))
    assert len(loaded) == 13, "the page, its styles, its icon and ten scripts"
    assert total < FIRST_LOAD_BYTES


def test_worker_keeps_exactly_the_files_of_the_page() -> None:
    worker = (PAGE / "sw.js").read_text(encoding="utf-8")
    kept = set(re.findall(r"'(\w+)'", worker[worker.index("['chat'") : worker.index("].map")]))
    assert kept == {path.stem for path in PAGE.glob("*.js")} - {"sw"}


def test_page_uses_exactly_the_words_it_has(words: dict[str, str]) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in PAGE.iterdir() if path.suffix in (".js", ".html"))
    used = set(re.findall(r"page\.[a-z_]+", sources)) - {"page.store", "page.flags"}
    server_side = {key for key in words if key.startswith("page.error.")} | {"page.title"}
    assert used == set(words) - server_side


def test_page_needs_no_syntax_newer_than_2019() -> None:
    for path in PAGE.glob("*.js"):
        code = re.sub(r"(?m)//.*$", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"\?\.[a-zA-Z\[(]|\?\?|\|\|=|&&=|\breplaceAll\(|\.at\(|static \{", code), path.name
        assert not re.search(r"(?m)^await ", code), path.name


def test_missing_browser_fails_the_checks_and_is_a_skip_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception):
        chromium()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception):
        chromium()
