"""python-telegram-bot, which others wrote, takes the fake for Telegram: sending, uploads, edits, errors, people."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import AsyncIterator

import pytest
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.error import BadRequest, ChatMigrated, Conflict, EndPointNotFound, Forbidden, InvalidToken

from tests.fakes.telegram import TOKEN, FakeTelegram, OrderRefusedError, fake_telegram

OTHER_TOKEN = "700000002:AAFakeTokenOfAnotherBotNeverUsed00000000"
YES_NO = InlineKeyboardMarkup(
    [[InlineKeyboardButton("Đồng ý", callback_data="7.0")], [InlineKeyboardButton("Không", callback_data="7.1")]]
)


@contextlib.asynccontextmanager
async def client(fake: FakeTelegram, token: str | None = None) -> AsyncIterator[Bot]:
    """Open a Bot of python-telegram-bot on the fake."""
    async with Bot(token or fake.token, base_url=fake.api_url, base_file_url=fake.file_url) as bot:
        yield bot


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram(whole_bot=None, per_private=None, per_group=None) as running:
        yield running


@pytest.fixture
async def bot(fake: FakeTelegram) -> AsyncIterator[Bot]:
    async with client(fake) as opened:
        yield opened


def said(words: str) -> re.Pattern[str]:
    """Match Telegram's words, of which the library makes the first letter a capital."""
    return re.compile(re.escape(words), re.IGNORECASE)


def picture(colour: str = "red", size: tuple[int, int] = (640, 480)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, "JPEG")
    return target.getvalue()


async def taken(bot: Bot, offset: int | None = None) -> list[Update]:
    return list(await bot.get_updates(offset=offset, timeout=2))


# --- What the bot says ---


async def test_a_message_arrives_with_its_buttons(fake: FakeTelegram, bot: Bot) -> None:
    mai = fake.person(1001)
    sent = await bot.send_message(mai.id, "  Mời chị họp chi hội  ", reply_markup=YES_NO)
    card = await mai.next_message()
    assert (card.message_id, card.text, card.labels) == (sent.message_id, "Mời chị họp chi hội", ["Đồng ý", "Không"])
    assert sent.reply_markup == YES_NO
    assert card.arrived_at <= card.accepted_at <= (card.answered_at or 0)


async def test_ids_rise_in_each_chat_by_themselves(fake: FakeTelegram, bot: Bot) -> None:
    await fake.person(1).send_text("chào")
    ids = [(await bot.send_message(chat, "a")).message_id for chat in (1, 2, 1, 2)]
    assert ids == [2, 1, 3, 2]


async def test_marks_of_html_become_entities(bot: Bot) -> None:
    sent = await bot.send_message(1001, "Số <b>bốn</b> &amp; 🌸 <i>năm</i>", parse_mode="HTML")
    assert sent.text == "Số bốn & 🌸 năm"
    assert [sent.parse_entity(entity) for entity in sent.entities] == ["bốn", "năm"]


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        ("", None, "Message text is empty"),
        (" \n", None, "Message text is empty"),
        ("a" * 4097, None, "Message is too long"),
        ("🌸" * 2049, None, "Message is too long"),
        ("<b>hở", "HTML", "Can't parse entities: can't find end tag"),
        ("<x>", "HTML", "Can't parse entities: unsupported start tag"),
        ("3 < 5", "HTML", "Can't parse entities"),
    ],
)
async def test_a_text_telegram_cannot_take_is_refused_in_its_words(
    bot: Bot, text: str, mode: str | None, reason: str
) -> None:
    with pytest.raises(BadRequest, match=said(reason)):
        await bot.send_message(1001, text, parse_mode=mode)


async def test_the_longest_text_is_taken(bot: Bot) -> None:
    assert len((await bot.send_message(1001, "🌸" * 2048)).text or "") == 2048


async def test_button_data_are_counted_in_bytes(bot: Bot) -> None:
    for data, fits in (("đ" * 32, True), ("đ" * 32 + "a", False)):
        markup = InlineKeyboardMarkup([[InlineKeyboardButton("Gửi", callback_data=data)]])
        with contextlib.nullcontext() if fits else pytest.raises(BadRequest, match=said("button_data_invalid")):
            await bot.send_message(1001, "Gửi?", reply_markup=markup)


async def test_a_keyboard_under_the_line_is_seen_in_the_ledger(fake: FakeTelegram, bot: Bot) -> None:
    keyboard = ReplyKeyboardMarkup([[KeyboardButton("Gửi số của tôi", request_contact=True)]])
    sent = await bot.send_message(1001, "Số điện thoại?", reply_markup=keyboard)
    [message] = await fake.messages(1001)
    assert sent.reply_markup is None
    assert message.reply_markup is not None
    assert message.reply_markup["keyboard"][0][0]["request_contact"] is True


async def test_a_picture_is_uploaded_once_and_sent_by_its_id(fake: FakeTelegram, bot: Bot) -> None:
    first = await bot.send_photo(1001, picture(), caption="Ảnh")
    again = await bot.send_photo(1002, first.photo[-1].file_id)
    assert again.photo == first.photo
    assert (first.photo[-1].width, first.photo[-1].height, first.caption) == (640, 480, "Ảnh")
    assert {message.file_id for message in await fake.messages()} == {first.photo[-1].file_id}


async def test_a_file_id_holds_for_one_bot_until_it_is_forgotten(fake: FakeTelegram, bot: Bot) -> None:
    file_id = (await bot.send_photo(1001, picture())).photo[-1].file_id
    await fake.order("add_bot", token=OTHER_TOKEN)
    async with client(fake, OTHER_TOKEN) as other:
        with pytest.raises(BadRequest, match=said("wrong file identifier")):
            await other.send_photo(1001, file_id)
    await fake.forget_files()
    with pytest.raises(BadRequest, match=said("wrong file identifier")):
        await bot.send_photo(1001, file_id)


async def test_what_is_no_picture_is_refused(bot: Bot) -> None:
    with pytest.raises(BadRequest, match=said("image_process_failed")):
        await bot.send_photo(1001, b"no picture")
    with pytest.raises(BadRequest, match=said("caption is too long")):
        await bot.send_photo(1001, picture(), caption="a" * 1025)


async def test_documents_and_albums_arrive(fake: FakeTelegram, bot: Bot) -> None:
    sent = await bot.send_document(1001, b"a;b", filename="danh-sach.csv", caption="Danh sách")
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.file_size) == ("danh-sach.csv", 3)
    album = await bot.send_media_group(1001, [InputMediaPhoto(picture("red")), InputMediaPhoto(picture("blue"))])
    assert len({message.media_group_id for message in album}) == 1
    assert [message.method for message in await fake.messages()] == ["sendDocument", "sendMediaGroup", "sendMediaGroup"]


async def test_an_edit_changes_the_message_and_one_that_changes_nothing_is_refused(
    fake: FakeTelegram, bot: Bot
) -> None:
    mai = fake.person(1001)
    sent = await bot.send_message(mai.id, "10 %", reply_markup=YES_NO)
    card = await mai.next_message()
    edited = await bot.edit_message_text("20 %", mai.id, sent.message_id, reply_markup=YES_NO)
    assert isinstance(edited, Message)
    assert edited.edit_date is not None
    with pytest.raises(BadRequest, match=said("message is not modified")):
        await bot.edit_message_text("20 %", mai.id, sent.message_id, reply_markup=YES_NO)
    await bot.edit_message_reply_markup(mai.id, sent.message_id)
    now = await mai.inbox.changed(card)
    assert (now.text, now.labels, [edit["text"] for edit in now.edits]) == ("20 %", [], ["20 %", "20 %"])


async def test_what_is_not_there_can_be_neither_edited_nor_deleted(fake: FakeTelegram, bot: Bot) -> None:
    done = await fake.person(1001).send_text("của tôi")
    sent = await bot.send_message(1001, "của bot")
    assert await bot.delete_message(1001, sent.message_id)
    for message_id, reason in (
        (sent.message_id, "message to edit not found"),
        (done.message_id, "message can't be edited"),
    ):
        with pytest.raises(BadRequest, match=said(reason)):
            await bot.edit_message_text("khác", 1001, message_id)
    with pytest.raises(BadRequest, match=said("message to delete not found")):
        await bot.delete_message(1001, sent.message_id)
    assert await bot.delete_messages(1001, [sent.message_id, done.message_id])
    assert [message.deleted_at is not None for message in await fake.messages()] == [True]


async def test_commands_are_kept_per_language_and_scope(fake: FakeTelegram, bot: Bot) -> None:
    menu = [BotCommand("bao_cao", "Gửi báo cáo")]
    await bot.set_my_commands(menu)
    await bot.set_my_commands([BotCommand("report", "Send a report")], language_code="en")
    scope = BotCommandScopeAllPrivateChats()
    assert list(await bot.get_my_commands()) == menu
    assert list(await bot.get_my_commands(scope=scope)) == []
    await bot.delete_my_commands()
    assert list(await bot.get_my_commands()) == []
    assert [key for key in (await fake.bot())["kept"] if key.startswith("commands")] == [
        'commands en {"type": "default"}'
    ]
    with pytest.raises(BadRequest, match=said("bot_command_invalid")):
        await bot.set_my_commands([BotCommand("Báo", "cáo")])


async def test_the_rest_of_what_a_bot_asks_is_answered(bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.is_bot, f"{me.id}") == (True, TOKEN.partition(":")[0])
    assert await bot.send_chat_action(1001, "typing")
    assert (await bot.get_chat(1001)).type == "private"
    assert await bot.set_my_short_description("Trợ lý Hội")
    assert (await bot.get_my_short_description()).short_description == "Trợ lý Hội"
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("noSuchMethod")


# --- What people do ---


async def test_messages_of_every_kind_are_read_by_the_library(fake: FakeTelegram, bot: Bot) -> None:
    mai = fake.person(1001, "Mai", last_name="Nguyễn", username="mai")
    await mai.start("c7")
    await mai.send_photo(picture(), "Cây")
    await mai.send_document(b"%PDF")
    await mai.send_voice()
    await mai.send_video()
    await mai.send_location(21.5, 105.5)
    await mai.send_sticker()
    await mai.send_contact("+84912345678")
    await mai.send_contact("0987654321", of=1002, first_name="Lan")
    messages = [update.message for update in await taken(bot)]
    assert [message.message_id for message in messages if message] == list(range(1, 10))
    first, photo, document, voice, video, place, sticker, own, other = (message for message in messages if message)
    assert (first.text, first.parse_entities()[first.entities[0]]) == ("/start c7", "/start")
    assert first.from_user is not None
    assert (first.from_user.full_name, first.from_user.language_code, first.chat.type) == (
        "Mai Nguyễn",
        "vi",
        "private",
    )
    assert (len(photo.photo), photo.caption) == (2, "Cây")
    assert document.document and voice.voice and video.video and place.location and sticker.sticker
    assert own.contact and own.contact.user_id == 1001
    assert other.contact and (other.contact.user_id, other.contact.first_name) == (1002, "Lan")


async def test_a_file_somebody_sent_is_fetched(fake: FakeTelegram, bot: Bot) -> None:
    mai = fake.person(1001)
    await mai.send_photo(picture("green"))
    await mai.send_document(b"x", size=21 * 2**20)
    photo, document = [update.message for update in await taken(bot)]
    assert photo and document and document.document
    file = await bot.get_file(photo.photo[-1].file_id)
    assert bytes(await file.download_as_bytearray()) == picture("green")
    with pytest.raises(BadRequest, match=said("file is too big")):
        await bot.get_file(document.document.file_id)
    with pytest.raises(BadRequest, match=said("wrong file_id")):
        await bot.get_file("AgAC-nothing")


async def test_an_album_is_several_messages_of_one_set(fake: FakeTelegram, bot: Bot) -> None:
    await fake.person(1001).send_album([picture("red"), picture("blue"), picture("green")], "Ba ảnh")
    messages = [update.message for update in await taken(bot) if update.message]
    assert [message.caption for message in messages] == ["Ba ảnh", None, None]
    assert len({message.media_group_id for message in messages}) == 1


async def test_an_edited_message_comes_as_an_edit(fake: FakeTelegram, bot: Bot) -> None:
    mai = fake.person(1001)
    done = await mai.send_text("trồng 10 cây")
    await mai.edit_text(done, "trồng 12 cây")
    before, after = await taken(bot)
    assert before.message and after.edited_message
    assert (before.message.text, after.edited_message.text) == ("trồng 10 cây", "trồng 12 cây")
    assert after.edited_message.edit_date is not None


async def test_a_button_is_pressed_by_label_or_number_and_answered_once_in_time(fake: FakeTelegram, bot: Bot) -> None:
    mai = fake.person(1001)
    await bot.send_message(mai.id, "Đồng ý không?", reply_markup=YES_NO)
    card = await mai.next_message()
    press = await mai.press(card, "Không")
    await mai.press(card, 0)
    late = await mai.press(card, 0, stale=True)
    queries = [update.callback_query for update in await taken(bot)]
    assert [query.data for query in queries if query] == ["7.1", "7.0", "7.0"]
    assert await bot.answer_callback_query(press.query_id, "Đã ghi")
    assert (await fake.answer_to(press) or {})["text"] == "Đã ghi"
    with pytest.raises(BadRequest, match=said("query is too old")):
        await bot.answer_callback_query(late.query_id)
    await fake.expire_presses()
    with pytest.raises(BadRequest, match=said("query is too old")):
        await bot.answer_callback_query(press.query_id)
    with pytest.raises(OrderRefusedError):
        await mai.press(card, "Có thể")


async def test_who_blocks_the_bot_is_out_of_reach_until_she_writes_again(fake: FakeTelegram, bot: Bot) -> None:
    mai = fake.person(1001)
    await mai.send_text("chào")
    await mai.block()
    with pytest.raises(Forbidden, match=said("bot was blocked by the user")):
        await bot.send_message(mai.id, "chị ơi")
    await mai.start()
    assert await bot.send_message(mai.id, "chị ơi")
    changes = [update.my_chat_member for update in await taken(bot) if update.my_chat_member]
    assert [(change.old_chat_member.status, change.new_chat_member.status) for change in changes] == [
        ("member", "kicked"),
        ("kicked", "member"),
    ]


async def test_a_group_is_joined_left_and_moves(fake: FakeTelegram, bot: Bot) -> None:
    mai, group = fake.person(1001), fake.group(-500, "Chi hội 3")
    await group.set_status(mai, "member")
    await group.message(mai, "/start@fake_700000001_bot")
    await bot.send_message(group.id, "Chào cả nhà")
    assert (await group.next_message()).text == "Chào cả nhà"
    larger = await group.migrate(mai, -1_001_000_000_500)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(group.id, "Còn ai không?")
    assert moved.value.new_chat_id == larger.id
    await larger.set_status(mai, "kicked")
    with pytest.raises(Forbidden, match=said("bot was kicked from the supergroup chat")):
        await bot.send_message(larger.id, "Còn ai không?")
    updates = await taken(bot)
    joined = updates[0].my_chat_member
    assert joined and (joined.old_chat_member.status, joined.new_chat_member.status) == ("left", "member")
    service = [update.message for update in updates if update.message]
    assert service[0].new_chat_members[0].id == bot.id
    assert [message.chat.title for message in service] == ["Chi hội 3"] * 4
    assert (service[2].migrate_to_chat_id, service[3].migrate_from_chat_id) == (larger.id, group.id)


async def test_chats_nobody_opened_are_not_found_where_only_known_ones_count(fake: FakeTelegram, bot: Bot) -> None:
    await fake.set(known_only=True)
    await fake.open_people(2000, 3)
    assert await bot.send_message(2002, "chào")
    with pytest.raises(BadRequest, match=said("chat not found")):
        await bot.send_message(2003, "chào")
    await fake.trouble(2002, "deactivated")
    with pytest.raises(Forbidden, match=said("user is deactivated")):
        await bot.send_message(2002, "chào")


async def test_a_dead_token_is_told_so_and_every_call_is_in_the_ledger(fake: FakeTelegram, bot: Bot) -> None:
    await fake.revoke()
    with pytest.raises(InvalidToken):
        await bot.send_message(1001, "chào")
    await fake.revoke(revoked=False)
    await bot.send_message(1001, "chào")
    calls = [(call.method, call.chat_id, call.status, call.refusal) for call in await fake.calls()]
    assert calls == [
        ("getMe", None, 200, None),
        ("sendMessage", 1001, 401, "Unauthorized"),
        ("sendMessage", 1001, 200, None),
    ]


async def test_polling_is_refused_while_a_webhook_is_set(bot: Bot) -> None:
    await bot.set_webhook("http://127.0.0.1:9/hook", secret_token="s" * 20, allowed_updates=["message"])
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    info = await bot.get_webhook_info()
    assert (info.url, info.allowed_updates) == ("http://127.0.0.1:9/hook", ("message",))
    await bot.delete_webhook()
    assert await bot.get_updates() == ()
