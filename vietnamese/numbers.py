"""Numbers as people write them: 13.577, 7,5 tỷ, 25tr, 1tr5, 1 tỷ 2, hai triệu rưỡi, trăm rưỡi, 45/60, vài chục.

What is unsure carries a doubt; nothing is guessed. Works on folded text and looks at the accents typed where letters
alone do not tell ("năm" is five, "nam" may be a man).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from vietnamese.fold import Aligned
from vietnamese.number_words import WordNumber, read_words

Value = int | Decimal

_SCALES = {
    "k": 1_000, "nghin": 1_000, "ngan": 1_000, "ngh": 1_000, "tr": 1_000_000, "trieu": 1_000_000, "cu": 1_000_000,
    "ty": 10**9, "ti": 10**9, "": 1, "chuc": 10, "tram": 100, "ta": 12, "lit": 100_000,
    "chai": 1_000_000, "xi": 100_000,
}  # fmt: skip
# These say that money is meant where the thing counted is not named; "600 nghìn cây" is counted, "1tr5" is money.
_MONEY_SCALES = frozenset({"tr", "trieu", "cu", "ty", "ti", "lit", "chai", "xi"})
# Typed so, they are old people, a net or slag: "5 cụ già".
_NO_SCALES = frozenset({"ta", "tạ", "tả", "tã", "tà", "cụ", "cũ", "cứ", "chài", "xỉ", "tỳ", "trạm", "trầm"})
_SURE_SLANG: dict[str, set[str]] = {"cu": {"củ", "cu"}, "lit": {"lít", "lit"}, "chai": set(), "xi": set()}
_DIGITS = (
    r"\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?(?!\d)|\d{1,3}(?:,\d{3}){2,}(?!\d)"
    r"|\d{1,3}(?:[ ]\d{3}){2,}(?!\d)|\d{1,3}(?:[ ]\d{3})+(?=\ ?(?:d|dong|vnd)\b)|\d+[.,]\d+|\d+"
)
# "8 lít" is 800 nghìn where no liquid follows; "5 lít xăng" and "3 chai nước mắm" are measures.
_SLANG = (
    r"(?:lit|chai|xi)(?=\ *(?:$|[,.;!?)\n\0]|(?:tien|nha|nhe|nghen|a|ak|roi|chi|em|luon|thoi|bo|cho|ung|gay|vao|de)\b))"
)
_SCALE = r"(?<!\ )k|k(?!\ (?:co|phai|phat|ai|thay)\b)|nghin|ngan|ngh|trieu|tr|cu(?! (?:gia|neo|ong|ba|cao tuoi)\b)"
_SCALE += rf"|ty|ti|chuc|tram|ta|{_SLANG}"
_HIGHER = r"(?:nghin|ngan|trieu|ty|ti|k)(?![a-z])"
_NUMBER = rf"""
    (?P<digits>{_DIGITS})
    (?: \ ?(?P<scale>(?:tram|chuc)(?=\ {_HIGHER})|{_SCALE}) (?:\ (?P<higher>{_HIGHER}))?
        (?: (?P<tight>\d{{1,3}})(?!\d|[.,]\d)
          | (?![a-z]) (?:\ (?P<loose>\d{{1,3}})(?!\d|[.,]\d|/|\ ?(?:{_SCALE}|%)(?![a-z])))?
        )
        (?: \ (?P<half>ruoi)\b )?
    )?
    (?: \ ?(?P<percent>%|phan\ tram\b) )?
"""
_BEFORE = re.compile(
    r"(?:\b(?P<about>tren duoi)|\b(?P<min>tren|hon|it nhat|toi thieu(?: (?:duoc|dc))?|khong duoi)"
    r"|\b(?P<max>gan|ngot(?: nghet)?"
    r"|duoi|toi da(?: (?:duoc|dc))?|(?:khong|ko|k|hong) qua|chua toi|chua den)"
    r"|\b(?P<approx>khoang chung|khoang|chung|xap xi|uoc|co|tam|do))\s*$"
)
_AFTER = re.compile(r"\s?(?:(?P<min>tro len)|(?P<approx>gi do|may)\b)")
# "2tr mấy", "100 mấy cây" tell no number; "10 máy may" does.
_SOME = re.compile(r" (may)\b(?P<machine> (?:may|khau|tinh|bom|xay|cay|cat|dien|loc|gat)\b)?")
_ACCENTED_QUALIFIERS = {"do": "độ", "tam": "tầm", "co": "cỡ"}
_JOIN = re.compile(
    r" ?(?:(?P<of>/| tren(?: tong(?: so)?)? )|(?P<range>-|–| den | toi )|(?P<either> hay(?: la)? | hoac(?: la)? )) ?"
)
# Said to the reader and not counted: "1 tỷ 2 chị ạ", "1 tỷ 5 nha chị".
_ADDRESS = re.compile(
    r" (?:(?:chi|em|co|ba|bac)(?= ?\0)|(?:chi|em|co|ba|bac) (?:a|ak|oi|nhe|nha|nghen|nghe|ha|hen|luon)"
    r"|(?:nha|nhe|nghen)(?: (?:chi|em|co|ba|bac))?)"
    r"(?: a)?(?=\s*(?:[,.;!\n\0]|$))"
)
_WEIGHED = frozenset(
    {"gao", "lua", "thoc", "rau", "bap", "khoai", "ngo", "phan", "ca", "thit", "giay", "sat", "ve", "phe", "muoi"}
    | {"nong", "mi", "ruoi", "cu", "trai", "hoa", "rac", "duong", "dau", "sua", "va", "voi", "nep", "cam", "bi"}
)
_HALF = re.compile(r"\bnua(?= (?:tan|ta|yen|km|cay so)\b)")
_LOOK_BACK = 16
# "200 nghìn 1 tháng" is a price for a month.
_TIMES = frozenset({"thang", "nam", "tuan", "ngay", "quy", "lan", "buoi"})
MAX_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Number:
    """A number and its place in the folded text, qualifier and percent sign included.

    `value` is None where words say "a few". `money` is true where its scale is one of money (tr, tỷ, củ …).
    `of` is n where "k of n" stands. `doubt`: vague, range, either, thousands, slang, words; None if sure.
    """

    start: int
    end: int
    value: Value | None
    money: bool = False
    percent: bool = False
    scaled: bool = False
    qualifier: str | None = None
    doubt: str | None = None
    of: Number | None = None


def find_numbers(text: Aligned, counted: Collection[str] = ()) -> list[Number]:
    """Return the numbers in `text`, in order. `counted` are folded words for what is counted ("ho", "cay").

    After a scale and a blank, "1 tỷ 2" is 1.2 tỷ, but "1 triệu 2 cháu" is a million and two children.
    """
    digits = _digit_numbers(text, counted)
    taken = [(number.start, number.end) for number in digits]
    digits += _halves(text)
    taken = [(number.start, number.end) for number in digits]
    words = read_words(text.blanked(taken), counted)
    spelt = [_from_words(word) for word in words]
    numbers = sorted((*digits, *spelt), key=lambda number: number.start)
    return [_qualified(number, text) for number in _joined(_added(numbers, text.text), text.text)]


def _halves(text: Aligned) -> list[Number]:
    """Return the halves of a measure: "nửa tấn gạo". Typed bare it may be nữa."""
    found = []
    for match in _HALF.finditer(text.text):
        typed = text.typed(match.start(), match.start() + 4)
        if typed in {"nửa", "nua"}:
            doubt = None if typed == "nửa" else "words"
            found.append(Number(match.start(), match.end(), Decimal("0.5"), doubt=doubt))
    return found


def _digit_numbers(text: Aligned, counted: Collection[str]) -> list[Number]:
    numbers: list[Number] = []
    match = _pattern().search(text.text)
    while match:
        numbers.append(_from_digits(match, text, counted))
        # A tail that turned out to count something else is read again as a number of its own.
        match = _pattern().search(text.text, numbers[-1].end)
    return numbers


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    return re.compile(_NUMBER, re.VERBOSE | re.ASCII)


def _from_digits(match: re.Match[str], text: Aligned, counted: Collection[str]) -> Number:
    scale, tail, end = match["scale"], match["tight"], match.end()
    if scale and text.typed(*match.span("scale")) in _NO_SCALES:
        scale, tail, end = None, None, match.end("digits")
    if match["loose"] and not match["half"]:
        following = _next_word(text.text, match.end())
        if (following in counted or following in _TIMES) and not _ADDRESS.match(text.text, match.end()):
            end = match.start("loose") - 1
        else:
            tail = match["loose"]
    plain, doubt = _plain(match["digits"])
    if plain is None:
        return Number(match.start(), end, None, doubt="thousands")
    if not scale:
        if match["scale"] == "ta" and _is_perhaps_a_dozen(match, text):
            doubt = doubt or "words"
        return Number(match.start(), end, plain, percent=bool(match["percent"]), doubt=doubt)
    size = _SCALES[scale] * _SCALES[match["higher"] or ""]
    value = plain * size + _tail(tail, size) + (size // 2 if match["half"] else 0)
    doubt = doubt or _slang(scale, text.typed(*match.span("scale")), _next_word(text.text, match.end()))
    money = bool({scale, match["higher"]} & _MONEY_SCALES)
    return Number(match.start(), end, _tidy(value), money=money, scaled=scale != "ta", doubt=doubt)


def _is_perhaps_a_dozen(match: re.Match[str], text: Aligned) -> bool:
    """Tell whether "ta" typed bare may be tá (twelve): what follows is not weighed."""
    following = _next_word(text.text, match.end("scale"))
    return text.typed(*match.span("scale")) == "ta" and bool(following) and following not in _WEIGHED


def _slang(scale: str, typed: str, following: str) -> str | None:
    """Return the doubt about a word of the market: "xị" is 10 or 100 nghìn by region, "chai" may be a bottle."""
    if scale == "chai" and following == "tien":
        return None
    sure = typed in _SURE_SLANG.get(scale, {typed})
    return None if sure else "slang"


def _from_words(word: WordNumber) -> Number:
    qualifier = "approx" if word.round else None
    return Number(
        word.start,
        word.end,
        word.value,
        money=word.money,
        scaled=word.scaled and not word.round,
        qualifier=qualifier,
        doubt=word.doubt,
    )


def _next_word(folded: str, at: int) -> str:
    match = re.compile(r" ?([a-z]+)").match(folded, at)
    return match[1] if match else ""


def _tail(digits: str | None, size: int) -> int:
    """Fill the next lower unit from the left: one digit after a million is hundreds of thousands."""
    return int(digits) * size // 10 ** len(digits) if digits else 0


def _plain(digits: str) -> tuple[Value | None, str | None]:
    if len(digits) > MAX_DIGITS + 5:
        return None, "thousands"
    if " " in digits:
        return int(digits.replace(" ", "")), None
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?", digits):
        return _tidy(Decimal(digits.replace(".", "").replace(",", "."))), None
    if re.fullmatch(r"\d{1,3}(?:,\d{3}){2,}", digits):
        return int(digits.replace(",", "")), None
    if "," in digits or "." in digits:
        doubt = "thousands" if re.fullmatch(r"\d+[.,]\d{3,}", digits) else None
        return _tidy(Decimal(digits.replace(",", "."))), doubt
    return (int(digits), None) if len(digits) <= MAX_DIGITS else (None, "thousands")


def _tidy(value: Value) -> Value:
    return int(value) if value == int(value) else value


def _added(numbers: list[Number], folded: str) -> list[Number]:
    """Join "1 tỷ 200 triệu" and "2 triệu 500 nghìn" to one number."""
    added: list[Number] = []
    for number in numbers:
        last = added[-1] if added else None
        if last and _continues(last, number, folded[last.end : number.start]):
            assert last.value is not None and number.value is not None
            both = replace(
                last, end=number.end, value=_tidy(last.value + number.value), doubt=last.doubt or number.doubt
            )
            added[-1] = both
        else:
            added.append(number)
    return added


def _continues(last: Number, number: Number, between: str) -> bool:
    if between not in {"", " "} or not (last.scaled and number.scaled and last.value and number.value):
        return False
    if last.value >= 1_000 and last.value % 1_000 == 0 and number.value < 1_000 and not number.money:
        return True
    return last.money and number.value < last.value and last.value % 1_000_000 == 0 and number.value < 10**9


def _joined(numbers: list[Number], folded: str) -> list[Number]:
    """Join what belongs together: 45/60 to k of n; "210 hay 220" and "5-7" to one doubtful number."""
    joined: list[Number] = []
    for number in numbers:
        last = joined[-1] if joined else None
        match = _JOIN.fullmatch(folded, last.end, number.start) if last else None
        apart = last is not None and last.money and not number.money and match is not None and match["of"]
        if last is None or match is None or apart or last.of or last.doubt in {"range", "either"}:
            joined.append(number)
        elif match["of"]:
            joined[-1] = replace(last, end=last.end, of=number)
        else:
            doubt = "range" if match["range"] else "either"
            joined[-1] = replace(last, end=number.end, value=None, doubt=doubt, money=last.money or number.money)
    return joined


def _qualified(number: Number, text: Aligned) -> Number:
    from_ = max(0, number.start - _LOOK_BACK)
    before = _BEFORE.search(text.text[from_ : number.start])
    if before and before.lastgroup:
        word_start = from_ + before.start(before.lastgroup)
        accented = _ACCENTED_QUALIFIERS.get(before[before.lastgroup])
        if not accented or accented in text.typed(word_start, number.start):
            said = "approx" if before.lastgroup == "about" else before.lastgroup
            return replace(number, start=word_start, qualifier=said)
    after = _AFTER.match(text.text, (number.of or number).end)
    if after and after.lastgroup == "min":
        return replace(number, qualifier="min")
    some = _SOME.match(text.text, (number.of or number).end)
    typed = text.typed(*some.span(1)) if some and not number.percent else ""
    if some and (typed == "mấy" or (typed == "may" and not some["machine"])):
        return replace(number, end=some.end(1), value=None, doubt="vague")
    return number
