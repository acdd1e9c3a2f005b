"""On a channel whose servers stand abroad: no personal question without her consent, nothing personal shown, and the
web chat a tap away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.book import make_book
from bot.dispatch import Dispatcher
from dialogue.messages import Button, Inbound, Json
from dialogue.turn import Answers, Ask, Asked, Conversation, Look, Outcome, Reading, begin, turn
from handlers import conversations, register
from handlers.abroad import AGREED, CONSENT
from handlers.context import Context, Post
from storage import audiences, contacts
from storage.audiences import Audience
from storage.database import Connection
from storage.schema import consent, contact, delivery, invitation
from storage.sites import Place
from tests.sending.desk import PLANNING
from tests.turns.bureau import CHANNEL, FAR, HEAD, NAMES, Bureau, bureau_in

WOMAN = "Siu H'Mai"


@pytest.fixture
async def bureau(tmp_path: Path, place: Place) -> AsyncIterator[Bureau]:
    async with bureau_in(tmp_path, place) as bureau:
        yield bureau


class Woman:
    """Somebody on a channel; `says` returns what she reads next."""

    def __init__(self, bureau: Bureau, name: str = "woman", channel: str = FAR) -> None:
        self.bureau = bureau
        self.name = name
        self.channel = channel
        self.read = 0

    async def says(self, *texts: str) -> list[str]:
        said: list[str] = []
        for text in texts:
            await self.bureau.takes_in(text, who=self.name, channel=self.channel)
            await self.bureau.dispatcher.drain()
            said = await self.news()
        return said

    async def news(self) -> list[str]:
        bodies = await self.bureau.to(self.name, channel=self.channel)
        new, self.read = [body["text"] for body in bodies[self.read :]], len(bodies)
        return new

    async def buttons(self) -> list[str]:
        return [button["label"] for button in (await self.bureau.to(self.name, channel=self.channel))[-1]["buttons"]]


async def consents(bureau: Bureau) -> list[tuple[str, str, str]]:
    columns = (consent.c.purpose, consent.c.channel, consent.c.text_shown)
    return await bureau.db.read(lambda db: [tuple[Any, ...](row) for row in db.execute(select(*columns))])


async def test_the_first_personal_question_waits_for_a_consent_that_names_the_transfer(bureau: Bureau) -> None:
    woman = Woman(bureau)
    (asked,) = await woman.says("đăng ký", "đồng ý")
    assert "được chuyển ra nước ngoài trước khi đến Hội" in asked
    assert await woman.says("đồng ý") == ["Họ và tên đầy đủ, như trên giấy tờ?"]
    assert await consents(bureau) == [("transfer_abroad", FAR, asked)]


async def test_a_consent_counts_from_then_on_even_if_the_talk_is_left(bureau: Bureau) -> None:
    woman = Woman(bureau)
    await woman.says("đăng ký", "đồng ý", "đồng ý", "hủy")
    assert await woman.says("đăng ký", "đồng ý") == ["Họ và tên đầy đủ, như trên giấy tờ?"]
    assert len(await consents(bureau)) == 1


async def test_a_consent_taken_back_is_asked_for_again(bureau: Bureau) -> None:
    woman = Woman(bureau)
    await woman.says("đăng ký", "đồng ý", "đồng ý", "hủy", "dữ liệu của tôi", "rút đồng ý", "vâng")
    (asked,) = await woman.says("dữ liệu của tôi", "sửa", "họ tên")
    assert "được chuyển ra nước ngoài" in asked


async def test_typing_a_name_is_no_consent(bureau: Bureau) -> None:
    woman = Woman(bureau)
    await woman.says("đăng ký", "đồng ý", WOMAN)
    assert await consents(bureau) == []


async def test_who_refuses_goes_on_in_the_web_chat_with_what_she_answered(bureau: Bureau) -> None:
    woman = Woman(bureau)
    (refused,) = await woman.says("đăng ký", "đồng ý", "không đồng ý")
    assert refused.startswith("Không sao, ở đây Trợ lý Hội không hỏi thông tin cá nhân.")
    assert (await woman.buttons())[0] == "Mở trên trang web"
    said = await woman.says("mở trên trang web")
    code = link_in(said[0]).partition("#ma=")[2]
    at_home = Woman(bureau, "browser", CHANNEL)
    assert (await at_home.says(f"/start {code}"))[0].startswith("Mã này nối kênh trò chuyện này")
    bound, question = await at_home.says("nhận")
    assert bound.startswith("Đã nhận ra anh/chị.")
    assert question.endswith("Họ và tên đầy đủ, như trên giấy tờ?"), "no consent to a transfer is needed here"
    (kept,) = await at_home.says(WOMAN, "1990", "làng Bối", "bỏ qua", "gửi đơn")
    assert kept.startswith("Đã nhận đơn gia nhập")
    assert [purpose for purpose, _, _ in await consents(bureau)] == ["membership"]
    assert await woman.says("đăng ký") != [], "she is the same person on both"
    assert "đang chờ cán bộ Hội xem" in (await woman.says("đăng ký"))[0]


async def test_a_talk_begun_abroad_is_finished_at_home(bureau: Bureau) -> None:
    woman = Woman(bureau)
    await woman.says("đăng ký", "đồng ý", "đồng ý", WOMAN, "1990")
    said = await woman.says("tiếp tục trên web")
    assert said[1].startswith("Ở chi hội nào?"), "the question stays open here too"
    at_home = Woman(bureau, "browser", CHANNEL)
    await at_home.says(f"/start {link_in(said[0]).partition('#ma=')[2]}")
    _, question = await at_home.says("nhận")
    assert question == f"Quay lại việc đang làm dở:\n\n{said[1]}"
    (summary,) = await at_home.says("làng Bối", "0912 345 678")
    assert WOMAN in summary


async def test_a_talk_begun_at_home_asks_for_the_consent_when_she_goes_on_abroad(bureau: Bureau) -> None:
    at_home = Woman(bureau, "woman", CHANNEL)
    await at_home.says("đăng ký", "đồng ý", WOMAN, "1990")
    await bureau.db.write(_also_abroad, "woman", bureau.now)
    far = Woman(bureau, "woman", FAR)
    far.read = len(await bureau.to("woman", channel=FAR))
    (asked,) = await far.says("làng Bối")
    assert "được chuyển ra nước ngoài" in asked
    assert WOMAN not in asked
    assert (await far.says("đồng ý"))[0].startswith("Ở chi hội nào?"), "nothing she answered is lost"


def _also_abroad(db: Connection, who: str, at: datetime) -> None:
    known = contacts.find_address(db, CHANNEL, who)
    assert known is not None
    contacts.add_address(db, known.contact_id, FAR, who, at=at)


def link_in(text: str) -> str:
    return next(word for word in text.split() if word.startswith("https://"))


# --- The link ---


async def test_a_link_works_once_for_a_quarter_of_an_hour_and_a_new_one_ends_the_old(bureau: Bureau) -> None:
    woman = Woman(bureau)
    links = [link_in((await woman.says(word))[0]) for word in ("/web", "mở web")]
    assert all(link.startswith("https://hoi.example/chat/#ma=") for link in links)
    assert await bureau.db.read(lambda db: list(db.scalars(select(delivery.c.sort)))) == ["code", "code"]
    codes = [link.partition("#ma=")[2] for link in links]
    stranger = Woman(bureau, "stranger", CHANNEL)
    assert (await stranger.says(f"/start {codes[0]}"))[0].startswith("Mã này không dùng được")
    assert (await stranger.says(f"/start {codes[1]}"))[0].startswith("Mã này nối")
    bureau.later(minutes=15)
    assert (await stranger.says("nhận"))[0].startswith("Mã này không dùng được")


async def test_the_code_is_kept_only_as_a_digest_beside_her_message(bureau: Bureau) -> None:
    woman = Woman(bureau)
    await woman.says("/web")
    row = await bureau.db.read(lambda db: db.execute(select(invitation)).one())
    assert row.expires_at - row.created_at == timedelta(minutes=15)
    assert row.contact_id == row.created_by


async def test_without_a_web_chat_she_is_told_so_and_no_button_leads_there(bureau: Bureau) -> None:
    bureau.web = None
    woman = Woman(bureau)
    assert (await woman.says("/web"))[0].startswith("Trang trò chuyện của Hội hiện chưa mở.")
    (refused,) = await woman.says("đăng ký", "đồng ý", "không đồng ý")
    assert "nhờ chi hội trưởng hoặc cán bộ Hội" in refused
    assert await woman.buttons() == ["Quay lại", "Hủy"]
    assert "được chuyển ra nước ngoài" in (await woman.says("quay lại"))[0]


# --- The net below ---


async def test_a_talk_that_forgets_to_ask_is_held_back_by_the_engine(bureau: Bureau) -> None:
    unguarded = [each for each in conversations(bureau.sealer, PLANNING) if each.name != "register"]
    book = make_book([*unguarded, register.conversation(bureau.sealer)], bureau.desk.content.wording)
    desk = replace(bureau.desk, book=book)
    bureau.dispatcher = Dispatcher(bureau.db, desk, "first", on_committed=lambda _committed: None)
    woman = Woman(bureau)
    (said,) = await woman.says("đăng ký", "đồng ý")
    assert said.startswith("Kênh này không hỏi và không hiện thông tin cá nhân.")
    assert await woman.buttons() == ["Mở trên trang web"]
    assert (await woman.says("trợ giúp"))[0].startswith("Kênh này không hỏi")
    at_home = Woman(bureau, "neighbour", CHANNEL)
    assert await at_home.says("đăng ký", "đồng ý") == ["Họ và tên đầy đủ, như trên giấy tờ?"]


TYPED = {
    "person.name": WOMAN,
    "person.birth": "2008",
    "person.birth_day": "1/1/2008",
    "register.unit": "làng Bối",
    "person.phone": "0912345678",
    "my_data.phone": "0912345678",
    "emergency.place": "Bối",
    "report.say_again": "hôm qua trồng 150 cây",
    "broadcast.unit": "Bối",
}
STARTS: Mapping[str, Mapping[str, Json]] = {
    "report": {"records": [], "asks": []},
    "admit": {"code": "DK-2222", "decision": "decline"},
    "review": {"code": "BC-2222"},
    "call": {"code": "GH-2222"},
}
MOST_STEPS = 400


async def test_no_conversation_asks_anything_personal_abroad_before_she_agreed(bureau: Bureau) -> None:
    found = await bureau.db.read(_walk_all, bureau)
    asked = {key for key, _, _ in found}
    assert {"person.name", "person.birth", "register.unit", "person.phone", "my_data.phone"} <= asked
    assert [key for key, personal, agreed in found if personal and not agreed] == []


def _walk_all(db: Connection, bureau: Bureau) -> list[tuple[str, bool, bool]]:
    head = contacts.find_address(db, CHANNEL, HEAD)
    assert head is not None
    can = frozenset().union(*(role.can for role in bureau.desk.content.roles.values()))
    context = Context(
        now=bureau.now,
        contact_id=head.contact_id,
        language="vi",
        content=bureau.desk.content,
        channel=FAR,
        capabilities=bureau.desk.channels[FAR],
        inbox_id=1,
        posts=(Post(3, "Chi hội làng Bối", "chi_hoi", "chi_hoi_truong", can),),
        web_address="https://hoi.example/chat/",
    )
    return [
        step
        for conversation in conversations(bureau.sealer, PLANNING)
        for step in _walk(db, conversation, replace(context, start=STARTS.get(conversation.name, {})))
    ]


def _walk(db: Connection, conversation: Conversation, context: Context) -> Iterator[tuple[str, bool, bool]]:
    """Yield (key, personal, agreed) of the questions met when each choice is taken and the rest is typed."""
    waiting: list[Answers] = [()]
    seen: set[str] = set()
    for _ in range(MOST_STEPS):
        if not waiting:
            return
        answers = waiting.pop()
        outcome = _settled(db, conversation, context, answers, None)
        if not isinstance(outcome, Asked) or (place := repr((outcome.ask.key, len(answers)))) in seen:
            continue
        seen.add(place)
        yield outcome.ask.key, outcome.ask.personal, (CONSENT, AGREED) in outcome.answers
        for said in _answers_to(context, outcome.ask):
            after = _settled(db, conversation, context, answers, said)
            if isinstance(after, Asked) and after.answers != outcome.answers:
                waiting.append((*after.answers, *after.rest))


def _answers_to(context: Context, ask: Ask) -> Iterator[Inbound]:
    for choice in ask.choices:
        yield Inbound(context.now, pressed=Button(choice.value, "", ask.key))
    if ask.parse is not None or ask.search is not None:
        yield Inbound(context.now, TYPED.get(ask.key, "1"))


def _settled(
    db: Connection, conversation: Conversation, context: Context, answers: Answers, said: Inbound | None
) -> Outcome:
    known: dict[Look, Any] = {}
    shown = [Button(said.pressed.value, "", said.pressed.ask)] if said and said.pressed else []
    while True:
        if said is None and not answers:
            outcome = begin(conversation, context, known)
        elif said is None:
            outcome = turn(conversation, context, answers, inbound=_nothing(context), shown=(), known=known)
        else:
            outcome = turn(conversation, context, answers, inbound=said, shown=shown, known=known)
        if not isinstance(outcome, Reading):
            return outcome
        known[outcome.look] = outcome.look.read(db, *outcome.look.args)


def _nothing(context: Context) -> Inbound:
    return Inbound(context.now, pressed=Button({"go": "nowhere"}, ""))


# --- What officers and members read there ---


async def test_no_notice_and_no_card_names_anybody_abroad(bureau: Bureau) -> None:
    """Everybody works abroad: what is read there names no person, whoever asks for what."""
    for who in (HEAD, "chair"):
        await bureau.db.write(_moves_abroad, who)
    head, chair, woman = Woman(bureau, HEAD), Woman(bureau, "chair"), Woman(bureau)
    at_home = Woman(bureau, "at home", CHANNEL)
    await at_home.says("đăng ký", "đồng ý", WOMAN, "1990", "làng Bối", "0912 345 678", "gửi đơn")
    await at_home.says("chồng đánh em", "nhờ hội liên hệ", "1", "0912 345 678, hỏi cô Mai", "làng Bối", "gửi")
    await head.says("hôm qua trồng 150 cây", "gửi")
    await head.says("hôm qua kết nạp 3 hv", "gửi")
    read = [*(await chair.news()), *(await head.news())]
    codes = {text.split("mã ")[1][:7] for text in read if "mã " in text}
    reports = [text.split("báo cáo ")[1][:7] for text in read if "gửi báo cáo BC-" in text]
    for typed in (
        *("đơn chờ", *(f"mở {code}" for code in codes), *codes),
        *("chờ duyệt", f"mở {reports[0]}", "duyệt", f"tra cứu {reports[0]}", f"mở {reports[1]}", "trả lại", "1"),
        *("menu", "dữ liệu của tôi", "xem"),
    ):
        read += await chair.says(typed)
    for typed in (f"tra cứu {reports[0]}", f"tra cứu {reports[1]}", "tra cứu", "dữ liệu của tôi", "xem", "menu"):
        read += await head.says(typed)
    read += await woman.says("đăng ký")
    assert len(read) > 20
    named = [text for text in read for name in (*NAMES.values(), WOMAN, "Mai", "0912", "1990") if name in text]
    assert named == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("mở {DK}", "Kênh này không hiện thông tin cá nhân."),
        ("{GH}", "Kênh này không hiện được nội dung"),
        ("dữ liệu của tôi|xem", "Kênh này không hiện thông tin cá nhân."),
    ],
)
async def test_what_is_not_shown_is_a_tap_away(bureau: Bureau, typed: str, sentence: str) -> None:
    at_home = Woman(bureau, "at home", CHANNEL)
    await at_home.says("đăng ký", "đồng ý", WOMAN, "1990", "làng Bối", "0912 345 678", "gửi đơn")
    await at_home.says("chồng đánh em", "nhờ hội liên hệ", "1", "0912 345 678, hỏi cô Mai", "làng Bối", "gửi")
    await bureau.db.write(_moves_abroad, "chair")
    chair = Woman(bureau, "chair")
    words = " ".join(await chair.news()).replace(",", " ").replace(".", " ").split()
    for prefix in ("DK", "GH"):
        typed = typed.replace("{" + prefix + "}", next(word for word in words if word.startswith(f"{prefix}-")))
    said: list[str] = []
    for each in typed.split("|"):
        said = await chair.says(each)
    assert said[0].startswith(sentence)
    assert (await chair.buttons())[0] == "Mở trên trang web"
    assert link_in((await chair.says("mở trên trang web"))[0])


def _moves_abroad(db: Connection, who: str) -> None:
    known = contacts.find_address(db, CHANNEL, who)
    assert known is not None
    contacts.add_address(db, known.contact_id, FAR, who, at=datetime(2026, 11, 23).astimezone())


# --- Groups ---


async def test_a_group_is_nobody_a_campaign_could_be_for(bureau: Bureau) -> None:
    await bureau.takes_in("đăng ký", who="-100", channel=FAR, event="in_group")
    await bureau.takes_in("hôm qua trồng 150 cây", who="-100", channel=FAR, event="in_group")
    await bureau.dispatcher.drain()

    def reached(db: Connection) -> tuple[int, int]:
        everybody = audiences.size(db, Audience(1, None, date(2026, 11, 23))).people
        return everybody, len(db.execute(select(contact.c.id)).all())

    assert await bureau.db.read(reached) == (2, 3)
    assert len(await bureau.to("-100", channel=FAR)) == 1
