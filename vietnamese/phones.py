"""Vietnamese phone numbers: one stored form, however they were typed, also those of before November 2018."""

from __future__ import annotations

import re

import phonenumbers

from vietnamese.fold import fold

# Ministry of Information and Communications, change of 15/9–14/11/2018: eleven digits became ten.
_SINCE_2018 = {
    "0120": "070", "0121": "079", "0122": "077", "0126": "076", "0128": "078",
    "0123": "083", "0124": "084", "0125": "085", "0127": "081", "0129": "082",
    "0162": "032", "0163": "033", "0164": "034", "0165": "035", "0166": "036",
    "0167": "037", "0168": "038", "0169": "039", "0186": "056", "0188": "058", "0199": "059",
}  # fmt: skip
_MOBILE = re.compile(r"0(?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9])\d{7}")
_NOT_DIGITS = re.compile(r"[\s.\-()/+]")
_ABROAD = re.compile(r"^(?:00)?84(?:0)?(?=\d{9,10}$)")
# How a number stands inside a sentence: digits with single blanks, dots or dashes between groups.
_IN_TEXT = re.compile(r"(?<![\d.,/])(?:\+?84[\s.-]?(?:\(0\)[\s.-]?)?|0)\d(?:[\s.-]?\d){7,9}(?![\d/])")


def mobile_number(text: str) -> str:
    """Return a Vietnamese mobile number as +84…; `ValueError` if `text` is not one.

    Accepts 84…, +84 (0)…, blanks, dots, dashes, the eleven digits of before 2018, and nine digits that lost their 0.
    """
    national = _national(text)
    if not _MOBILE.fullmatch(national):
        raise ValueError("not a Vietnamese mobile number")
    return "+84" + national[1:]


def displayed(number: str) -> str:
    """Return a stored number as people write it, 0323 456 789; `ValueError` if it is not one of ours."""
    try:
        parsed = phonenumbers.parse(number, "VN")
    except phonenumbers.NumberParseException as error:
        raise ValueError("not a phone number") from error
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("not a phone number")
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, form.NATIONAL if parsed.country_code == 84 else form.INTERNATIONAL)


def find_numbers(folded: str) -> list[tuple[int, int, str]]:
    """Return (start, end, number as +84…) of the mobile numbers inside folded text, in order."""
    found = []
    for match in _IN_TEXT.finditer(folded):
        try:
            found.append((match.start(), match.end(), mobile_number(match[0])))
        except ValueError:
            continue
    return found


def _national(text: str) -> str:
    digits = _NOT_DIGITS.sub("", fold(text))
    if not (digits.isascii() and digits.isdecimal() and 9 <= len(digits) <= 14):
        return ""
    digits = _ABROAD.sub("0", digits)
    if len(digits) in {9, 10} and not digits.startswith("0"):
        digits = "0" + digits
    if len(digits) == 11 and digits[:4] in _SINCE_2018:
        digits = _SINCE_2018[digits[:4]] + digits[4:]
    return digits
