"""Cut a message into tokens and find in it the numbers, dates, words of indicators, units and cues, with their places.

Fixed phrases ("Dự án 8", "thôn 3", "7h30") and phone numbers are taken out first, so that their digits are no values.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from figures.boundaries import DATE, FIXED, STRONG, WEAK, Token, boundaries
from figures.catalogue import Catalogue, Vocabulary
from figures.closings import closings_of
from figures.phrases import NO_UNIT, NUMBER, ONE, Found, Row, find_phrases, row_of, strict_places, unit_at
from vietnamese.dates import DateFound, find_dates
from vietnamese.fold import Aligned
from vietnamese.numbers import Number, find_numbers
from vietnamese.phones import find_numbers as find_phones

CLOSING = ","
_RAW = re.compile(r"[a-z]+|\d+|[^\sa-z\d]|\n", re.ASCII)
_BESIDE_TODAY = re.compile(r"(?:nay|qua)\W*$")
_REACHED = re.compile(r"\b(?:dat|duoc|dc|co|:) ?$")
# "7h30", "8 giờ", "14g"; "9h15" is no count of anything.
_CLOCK = re.compile(
    r"(?<![\d.,/:])(?:[01]?\d|2[0-4])(?:(?: ?(?:h|g|gio) ?(?:[0-5]\d(?!\d)(?: ?(?:phut|p)\b)?|(?![a-z\d]))(?! cong))"
    r"|:[0-5]\d(?![\d:]))"
)
# Accounts and identity numbers: more digits than any figure has, and no đồng behind them.
_LONG = re.compile(r"(?<![\d.,])\d{9,}(?!\d| ?(?:d|dong|vnd)\b|[.,]\d)")
# "mỗi quý sinh hoạt 1 lần", "2 lần/tháng": how often they meet, no meeting held.
_SCHEDULE = re.compile(
    r"\b(?:1|mot|moi|hang) (?:thang|quy|tuan|nam)(?: [a-z]+){0,3} (?:\d|mot|hai) (?:lan|ky)\b"
    r"|\b\d (?:lan|ky)(?: ?/ ?| (?:1|mot|moi) )(?:thang|quy|tuan|nam)\b"
)
# The code of a report: "BC-9XK2".
_CODE = re.compile(r"\bbc-(?=[a-z]*\d)[a-z\d]{4}\b")
_PAPERS = frozenset({"mau", "bieu", "muc", "nq", "qd", "dieu", "khoan", "chuong", "trang", "stt"})
_NOT = frozenset({"khong", "ko", "k", "kg", "hong", "hok", "kh"})
_NOTHING = frozenset({"co", "phat", "sinh", "ps", "ai", "gi", "nao", "ca", "het", "moi", "them"})
_NUMBERED = frozenset({"thang", "t", "ngay", "quy", "thu", "nam", "so", "km", "thon", "to", "lop", "/", "."})
_IS = frozenset({":", "-", "=", "thi", "la"})
_POLITE = frozenset({"a", "ak", "chi", "nhe", "nha", "em", "oi", "roi", "het", "luon"})
_NO_CROWD = 10_000
_SPOKEN_TO = frozenset({"chi", "em"})
# A number after these words is no name of a chapter: "họp chi hội 45 chị", "tổng số chi hội 96".
_NOT_NAMED_AFTER = frozenset({"hop", "hoat", "sh", "toan", "ca", "so", "tong"})
_SCALED = re.compile(r"(?:[.,]\d+)? ?(?:k|tr|trieu|nghin|ngan|ty|ti|cu)(?![a-z])|[.,]\d|%| ?%")
_DAY = len("2024-12-31")
_CHAPTERS_THAT = re.compile(r" ?chi hoi (?:co bao cao|co bc|da nop|nop|da gui|gui|bao cao|da bao|dat|hoan thanh|du)\b")
# "hội nghị tổng kết năm 2024": the year is what the meeting was about, not when it was.
_ABOUT = re.compile(
    r"\b(?:hoi nghi|hop|du|buoi|le|sinh hoat|trien khai|gap mat|to chuc|mo)\b[^,.;:\n]{0,25}?"
    r"(?:tong ket|so ket|phuong huong|nhiem vu|chuong trinh cong tac|ke hoach)"
    r"(?: (?:cong tac|hoi|hoat dong|nhiem vu|phong trao|cua)){0,3} $"
)
_FIRSTLY = re.compile(r"(?:^|[:,;\n]) ?(\d) la ")
_BULLET = re.compile(r"(?:^|\n) ?(\d{1,2})(?: ?[.)/](?= ?[a-z])|[.)] (?=\d))")
_NO_COUNT_AFTER_DATE = re.compile(
    r" ?chi (?:em|hoi)\b(?! (?:da |moi )?(?:nop|gui|bao|dat|duoi|hoan thanh|chua|co ty le|tham gia))"
)
_PEOPLE = frozenset({"nguoi", "luot_nguoi", "tre"})
_QUOTES = frozenset({'"', "“", "”", "«", "»"})
_DIGIT_SIGNS = frozenset({"/", "."})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at token `at` with what is counted: the units of measure it may mean, which end at token `ends`.

    `loose` is true where "chị" may be spoken to and not counted: "hộ thoát nghèo 3 chị ạ".
    """

    at: int
    number: Number
    units: tuple[str, ...]
    size: int
    ends: int
    loose: bool = False

    @property
    def money(self) -> bool:
        """Tell whether it can only be money."""
        return "vnd" in self.units or (self.number.money and not self.units)


@dataclass(frozen=True, slots=True)
class Mention:
    """The words of an indicator: its tokens `first` to `last`, what they may mean, and whether they can mean one."""

    first: int
    last: int
    codes: tuple[str, ...]
    one: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """All that was found in a message. `strong` and `weak` count the boundaries before each token.

    `accented` tells of each token whether accents were typed on it or near it; in `careful` a bare word is meant bare.
    """

    text: Aligned
    row: Row
    tokens: tuple[Token, ...]
    quantities: tuple[Quantity, ...]
    mentions: tuple[Mention, ...]
    dates: tuple[tuple[int, DateFound], ...]
    cues: tuple[tuple[int, int, str], ...]
    strong: tuple[int, ...]
    weak: tuple[int, ...]
    ambiguous: tuple[int, ...]
    phones: tuple[tuple[int, int, str], ...]
    accented: tuple[bool, ...]
    careful: Row


def scan(text: Aligned, today: date, catalogue: Catalogue) -> Scan:
    """Find everything in `text`; `today` is the local day the message was received."""
    words = catalogue.vocabulary
    raw = [Token(match.start(), match.end(), match[0]) for match in _RAW.finditer(text.text)]
    phones = tuple(find_phones(text.text))
    raw_row = row_of(text, _spans(raw))
    fixed, ambiguous = _fixed(text, raw, raw_row, words)
    numbered = find_phrases(raw_row, words.numbered, words.fillers | _DIGIT_SIGNS)
    taken = [(raw[i].start, raw[i].end) for phrase in numbered for i in phrase.tokens]
    masked = _outside([(start, end) for start, end, _ in phones] + fixed, taken)
    closings = _outside(closings_of(text), taken + masked)
    left = text.blanked([*taken, *masked, *closings])
    inside = [(raw[phrase.tokens[0]].start, raw[phrase.tokens[-1]].end) for phrase in numbered]
    dates = [
        _without_mung(found, left)
        for found in find_dates(left, today)
        if not _counts(found, left, words) and not (found.weak and _within(found, inside))
    ]
    left = left.blanked((found.start, found.end) for found in dates)
    numbers = [number for number in find_numbers(left, words.counted) if not _is_empty(number, left)]
    tokens = _tokens(raw, numbers, dates, masked, closings=closings)
    row = row_of(text, _spans(tokens))
    phrases = find_phrases(row, words.words, words.fillers | {DATE} | _QUOTES)
    careful = replace(row, strict=strict_places(row.accents))
    starts = [token.start for token in tokens]
    strong, weak = boundaries(tokens)
    mentions = _mentions(tokens, raw, numbered, careful.strict, phrases)
    mentions = tuple(_denied(mention, row.texts) for mention in mentions)
    quantities = [_quantity(number, bisect_left(starts, number.start), row, words) for number in numbers]
    closed = {bisect_left(starts, start) for start, _ in closings}
    quantities = [
        _spoken_to(quantity)
        if quantity.ends + 1 in closed and quantity.ends == quantity.at + 1 and row.texts[quantity.ends] in _SPOKEN_TO
        else quantity
        for quantity in quantities
    ]
    quantities += _zeros(tokens, mentions, {quantity.at for quantity in quantities})
    return Scan(
        text=text,
        row=row,
        tokens=tuple(tokens),
        quantities=tuple(sorted(quantities, key=lambda quantity: quantity.at)),
        mentions=mentions,
        dates=tuple((bisect_left(starts, found.start), found) for found in dates if not _is_topic(found, text)),
        cues=tuple((f.tokens[0], f.tokens[-1], code) for f in find_phrases(careful, words.cues) for code in f.codes),
        strong=strong,
        weak=weak,
        ambiguous=tuple(bisect_left(starts, start) for start in ambiguous),
        phones=phones,
        accented=careful.strict,
        careful=replace(row, strict=(True,) * len(tokens)),
    )


def _spans(tokens: list[Token]) -> list[tuple[str, int, int]]:
    return [(token.text, token.start, token.end) for token in tokens]


def _fixed(typed: Aligned, raw: list[Token], row: Row, words: Vocabulary) -> tuple[list[tuple[int, int]], list[int]]:
    """Return the spans of fixed phrases and list numbers, and the starts of unclear numbers ("thôn 3 hộ")."""
    texts, text = row.texts, typed.text
    spans, ambiguous = [match.span(1) for match in _BULLET.finditer(text)], []
    spans += [match.span() for pattern in (_LONG, _CODE) for match in pattern.finditer(text)]
    spans += [match.span() for match in _SCHEDULE.finditer(text) if not typed.typed(*match.span()).startswith("mới")]
    spans += [match.span() for match in _CLOCK.finditer(text) if not _is_basket(match, typed)]
    spans += [match.span(1) for match in _FIRSTLY.finditer(text)]
    for found in find_phrases(row, words.fixed):
        first, last = found.tokens[0], found.tokens[-1]
        if texts[last : last + 2] == ["gio", "qua"] and not row.accents[last]:
            continue
        named = texts[last].isdigit() and first != last
        if named and texts[first] == "km" and first > 0 and texts[first - 1].isdigit():
            continue
        if named and (_is_scaled(text, texts, raw[last], last) or _is_share(texts, last)):
            continue
        if not named or not unit_at(row, last + 1, words.units) or _is_have(texts, last + 1):
            if not named or not _counts_a_chapter(texts, first, last):
                spans.append((raw[first].start, raw[last].end))
        elif _is_numbered(row, first, last):
            spans.append((raw[first].start, raw[last].end))
        elif not _counts_places(texts, first) and (first == 0 or texts[first - 1] not in _NOT_NAMED_AFTER):
            ambiguous.append(raw[last].start)
    return spans, ambiguous


def _is_basket(match: re.Match[str], text: Aligned) -> bool:
    """Tell whether "8 giỏ quà" is no hour of the clock."""
    typed = text.typed(*match.span()).strip()
    return "giỏ" in typed or (
        typed.endswith("gio") and text.text[match.end() : match.end() + 8].lstrip(" ").startswith("qua")
    )


def _is_numbered(row: Row, first: int, last: int) -> bool:
    """Tell whether a paper of that number is named and nothing counted: "theo mẫu 02 chị gửi"."""
    return row.texts[first] in _PAPERS and (bool(row.accents[first]) or row.texts[last].startswith("0"))


def _counts_places(texts: Sequence[str], first: int) -> bool:
    """Tell whether places are counted, as in "8 đội 40 chị"; "tháng 3 chi hội 5 …" names one."""
    return first > 0 and texts[first - 1].isdigit() and (first == 1 or texts[first - 2] not in _NUMBERED)


def _is_have(texts: Sequence[str], at: int) -> bool:
    """Tell whether "co" is có: "hop thon 3 co 27 chi"."""
    return texts[at] == "co" and at + 1 < len(texts) and texts[at + 1].isdigit()


def _is_scaled(text: str, texts: Sequence[str], number: Token, last: int) -> bool:
    """Tell whether the number after the name of a giver is money or a fraction: "chi hội 5tr", "thôn 2,5 km"."""
    scaled = _SCALED.match(text, number.end)
    return scaled is not None and (texts[last - 1] == "hoi" or not scaled[0].startswith(" "))


def _is_share(texts: Sequence[str], last: int) -> bool:
    """Tell whether k of n stands there: "họp chi hội 33/48 chị"."""
    after = texts[last + 1 : last + 3]
    return texts[last - 1] == "hoi" and len(after) == 2 and after[0] == "/" and after[1].isdigit()


def _counts_a_chapter(texts: Sequence[str], first: int, last: int) -> bool:
    """Tell whether "tổng số chi hội 96" counts chapters."""
    return texts[last - 1] == "hoi" and first > 0 and texts[first - 1] in {"so", "tong"}


def _outside(spans: Iterable[tuple[int, int]], taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans that touch none of `taken`; the words of an indicator go before fixed phrases."""
    return [(start, end) for start, end in spans if not any(s < end and start < e for s, e in taken)]


def _counts(found: DateFound, text: Aligned, words: Vocabulary) -> bool:
    """Tell whether d/m is rather k of n: "3/5 hộ", "8/12 chị"."""
    near = text.text[max(0, found.start - 10) : found.start]
    if not found.weak or _BESIDE_TODAY.search(near):
        return False
    following = [Token(m.start(), m.end(), m[0]) for m in _RAW.finditer(text.text, found.end, found.end + 24)]
    if _CHAPTERS_THAT.match(text.text, found.end):
        return True
    if not following or _NO_COUNT_AFTER_DATE.match(text.text, found.end):
        return False
    unit = unit_at(row_of(text, _spans(following)), 0, words.units)
    if unit is None:
        return False
    # "8/5 hộ" is more than was asked for, "8/3 hội viên" may be the day.
    surely = _REACHED.search(near) or not _PEOPLE & set(unit.codes)
    return bool(surely) or not _first_is_larger(text.text[found.start : found.end])


def _within(found: DateFound, spans: Iterable[tuple[int, int]]) -> bool:
    """Tell whether d/m stands inside words of an indicator, as k of n: "xóa 2/5 cơ sở Hội dưới 60%"."""
    return any(start < found.start and found.end < end for start, end in spans)


def _is_topic(found: DateFound, text: Aligned) -> bool:
    """Tell whether a period is only what a meeting was about; in the heading of a report it is the period reported."""
    before = text.text[max(0, found.start - 60) : found.start]
    heads = re.match(r"[^,.;:\n]{0,40}:", text.text[found.end : found.end + 50]) is not None
    return bool(found.label) and len(found.label or "") < _DAY and not heads and bool(_ABOUT.search(before))


def _without_mung(found: DateFound, text: Aligned) -> DateFound:
    """Leave "mừng" of "chào mừng 8/3" out of the date; it is no "mùng"."""
    is_mung = text.text.startswith("mung ", found.start)
    if is_mung and ("mừng" in text.typed(found.start, found.end) or text.text[: found.start].endswith("chao ")):
        return replace(found, start=found.start + len("mung "))
    return found


def _first_is_larger(typed: str) -> bool:
    first, second = (int(digits) for digits in re.findall(r"\d+", typed)[:2])
    return first > second


def _is_empty(number: Number, text: Aligned) -> bool:
    return not text.text[number.start : number.end].strip("\0 ")


def _tokens(
    raw: list[Token],
    numbers: list[Number],
    dates: list[DateFound],
    masked: list[tuple[int, int]],
    *,
    closings: list[tuple[int, int]],
) -> list[Token]:
    spans = [(number.start, (number.of or number).end, NUMBER) for number in numbers]
    spans += [(found.start, found.end, DATE) for found in dates]
    spans += [(start, end, FIXED) for start, end in masked]
    spans += [(start, end, CLOSING) for start, end in closings]
    spans.sort()
    tokens: list[Token] = []
    at = 0
    for token in raw:
        while at < len(spans) and spans[at][1] <= token.start:
            at += 1
        if at == len(spans) or token.end <= spans[at][0]:
            tokens.append(token)
        elif not tokens or tokens[-1].start != spans[at][0]:
            tokens.append(Token(*spans[at]))
    return tokens


def _quantity(number: Number, at: int, row: Row, words: Vocabulary) -> Quantity:
    if number.percent:
        return Quantity(at, number, ("percent",), 1, at)
    found = unit_at(row, at + 1, words.units)
    if not found:
        return Quantity(at, number, (), 1, at)
    if number.money and not any(code.startswith("vnd") for code in found.codes):
        return Quantity(at, number, (), 1, at)
    bare = len(found.tokens) == 1 and not row.accents[found.tokens[0]]
    # Of some things nobody counts thousands: "350 nghin bo quy" is money.
    away = words.small_units & set(found.codes) or (number.money and bare and "suat" in found.codes)
    if number.scaled and not number.percent and away:
        return Quantity(at, number, (), 1, at)
    codes = [code.partition("*") for code in found.codes]
    size = max(int(size or 1) for _, _, size in codes)
    after = found.tokens[-1] + 1
    if size > 1 and number.value is not None and row.texts[after : after + 1] == ["ruoi"]:
        # "1 tạ rưỡi", "1 cây số rưỡi"
        number = replace(number, value=number.value + Decimal("0.5"))
    return Quantity(at, number, tuple(code for code, _, _ in codes), size, found.tokens[-1])


def _spoken_to(quantity: Quantity) -> Quantity:
    """Return a number before "chị ạ": thousands count no people, others perhaps none."""
    thousands = quantity.number.scaled or (quantity.number.value or 0) >= _NO_CROWD
    return replace(quantity, units=(), ends=quantity.at) if thousands else replace(quantity, loose=True)


def _zeros(tokens: list[Token], mentions: tuple[Mention, ...], taken: set[int]) -> list[Quantity]:
    """Return a zero for "hv mới: không", "cây không có" and "không kết nạp được ai"."""
    texts = [token.text for token in tokens]
    found = []
    for mention in mentions:
        at = _none_after(texts, mention.last + 1)
        if at is None:
            at = _none_before(texts, mention)
        if at is not None and not any(mention.first <= number <= mention.last for number in taken):
            found.append(Quantity(at, Number(tokens[at].start, tokens[at].end, 0), (), 1, at))
    return found


def _none_after(texts: list[str], at: int) -> int | None:
    said = at
    while said < at + 2 and texts[said : said + 1] and texts[said] in _IS:
        said += 1
    if said >= len(texts) or texts[said] not in _NOT | {"chua"}:
        return None
    end = said + 1
    while end < len(texts) and texts[end] in _NOTHING:
        end += 1
    enough = end > said + 1 or (said > at and texts[said] != "chua")
    while end < len(texts) and texts[end] in _POLITE:
        end += 1
    return said if enough and (end == len(texts) or texts[end] in STRONG | WEAK | {"."}) else None


def _none_before(texts: list[str], mention: Mention) -> int | None:
    at = mention.first - 1
    if at > 0 and texts[at] == "co":
        at -= 1
    if at < 0:
        return None
    if texts[at] in _NOT | {"chua"}:
        after = texts[mention.last + 1 : mention.last + 4]
        return at if {"ai", "nao"} & set(after) else None
    if texts[at] in {"ai", "nao"}:
        before = range(at - 1, max(-1, at - 5), -1)
        return next((i for i in before if texts[i] in _NOT | {"chua"}), None)
    return None


def _without_none(
    entry: tuple[int, int, tuple[str, ...]], accented: Sequence[bool]
) -> tuple[int, int, tuple[str, ...]] | None:
    """Leave out words that are none of an indicator; "qua" is quà only in a text typed bare."""
    first, last, codes = entry
    if NO_UNIT not in codes:
        return entry
    others = tuple(code for code in codes if code != NO_UNIT)
    return (first, last, others) if others and not accented[first] else None


def _mentions(
    tokens: list[Token], raw: list[Token], numbered: list[Found], accented: Sequence[bool], found: list[Found]
) -> tuple[Mention, ...]:
    starts = [token.start for token in tokens]
    indexed = [(phrase.tokens[0], phrase.tokens[-1], phrase.codes) for phrase in found]
    places = []
    for phrase in numbered:
        first = max(0, bisect_left(starts, raw[phrase.tokens[0]].start))
        last = min(len(tokens) - 1, bisect_left(starts, raw[phrase.tokens[-1]].start))
        places.append((first, last, phrase.codes))
    indexed = [kept for entry in indexed if (kept := _without_none(entry, accented))]
    plain = [entry for entry in indexed if not any(f <= entry[1] and entry[0] <= g for f, g, _ in places)]
    return tuple(_mention(*entry) for entry in sorted([*plain, *places]))


def _denied(mention: Mention, texts: Sequence[str]) -> Mention:
    """Return a mention that counts no one where it is said not to be: "tháng này ko sinh hoạt"."""
    before = texts[max(0, mention.first - 2) : mention.first]
    said_not = bool(before) and (
        before[-1] in _NOT or (before[0] in _NOT and before[-1] in {"co", "to", "he", "thay", "duoc"})
    )
    return replace(mention, one=False) if mention.one and said_not else mention


def _mention(first: int, last: int, codes: tuple[str, ...]) -> Mention:
    plain = tuple(dict.fromkeys(code.rstrip(ONE) for code in codes))
    return Mention(first, last, plain, any(code.endswith(ONE) for code in codes))
