"""Read numbers that leave their words out: those of the last number, of the heading, or of words further before."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace

from figures.boundaries import DATE
from figures.draft import Draft, add, add_whole, same_clause, span_of, value_of
from figures.pairing import Pair, fits
from figures.phrases import NUMBER, longest
from figures.scan import Mention, Quantity
from figures.silence import cues_before

PEOPLE = frozenset({"nguoi", "luot_nguoi"})
_NEAR_TOKENS = 4
_CARRIED = 30
# Words that may name a total alone do so only for a number that can be one: at least a hundredth of the usual most.
_SMALL_SHARE = 100
_JOINS = frozenset({",", ":", "-", "co", "voi", "va", "la", "tong", "hien", "duoc"})
_POLITE = frozenset({"a", "ah", "chi", "oi", "nhe", "nha", "em", "roi", "thoi", "do", "hien", "nay", "va", "."})
_HEAD_CHARS = 24
_WORD = re.compile(r"[a-z]+")
# In the lists of the lowest levels names are of persons.
_LEVELS_OF_PERSONS = 2


def add_far(draft: Draft, quantity: Quantity) -> bool:
    """Give a number of money or of things to words further before it that have none: "vận động … trên 7,5 tỷ"."""
    found = draft.found
    for mention in _open_before(draft, quantity):
        indicator = draft.catalogue[mention.codes[0]]
        money = indicator.unit == "vnd" and (quantity.money or (quantity.number.scaled and not quantity.units))
        things = indicator.unit in quantity.units and not PEOPLE & set(quantity.units)
        aimed = not quantity.units and not quantity.number.scaled and _is_aimed_at(draft, mention)
        if (money or things or aimed) and value_of(quantity) is not None:
            add(draft, indicator, quantity, first=mention.first if things or money else quantity.at, last=quantity.ends)
            return True
        if found.weak[mention.first] == found.weak[quantity.at] and not mention.one:
            return False
    return _add_far_after(draft, quantity)


def _add_far_after(draft: Draft, quantity: Quantity) -> bool:
    """Give money to the words for money that follow in its sentence: "góp 1 triệu với 25 ký gạo ủng hộ đồng bào"."""
    found = draft.found
    if not (quantity.money or (quantity.number.scaled and not quantity.units)) or value_of(quantity) is None:
        return False
    begin = bisect_left(found.mentions, quantity.at, key=lambda mention: mention.first)
    paired = draft.paired_mentions
    for mention in found.mentions[begin : begin + 4]:
        indicator = draft.catalogue[mention.codes[0]]
        same = found.strong[mention.first] == found.strong[quantity.at]
        if (
            same
            and indicator.unit == "vnd"
            and mention.first not in paired
            and mention.first not in draft.sorted.silent
        ):
            add(draft, indicator, quantity, first=quantity.at, last=quantity.ends)
            return True
    return False


def _open_before(draft: Draft, quantity: Quantity) -> list[Mention]:
    """Return the nearest words before a number in its sentence that have no number yet, the nearest first."""
    found = draft.found
    end = bisect_left(found.mentions, quantity.at, key=lambda mention: mention.first)
    near = [
        one for one in found.mentions[max(0, end - 4) : end] if found.strong[one.first] == found.strong[quantity.at]
    ]
    return [one for one in reversed(near) if one.first not in draft.paired_mentions]


def _is_aimed_at(draft: Draft, mention: Mention) -> bool:
    """Tell whether only a target stands beside the words: "chỉ tiêu 15 hv mới, đến nay được 12"."""
    cues = draft.found.cues
    return any(name == "target" and 0 <= mention.first - last <= 2 * _NEAR_TOKENS for _, last, name in cues)


def add_alone(draft: Draft, quantity: Quantity) -> bool:
    """Read words that name something only where nothing else does: "chi hội em có 95 hội viên", "hội viên: 95"."""
    found = draft.found
    joined = (
        quantity.at == 0
        or found.row.texts[quantity.at - 1] in _JOINS
        or quantity.at in {chosen.quantity.at for chosen in draft.pairs}
    )
    near = [one for one in draft.pairs if same_clause(found, one.quantity.at, quantity.at)]
    if (near and not joined) or value_of(quantity) is None:
        return False
    first = last = quantity.at
    after = longest(found.row, quantity.at + 1, draft.catalogue.vocabulary.alone)
    if after and _ends_clause(draft, after.tokens[-1]):
        last = after.tokens[-1]
    elif (not quantity.units or quantity.number.of) and _ends_clause(draft, quantity.at):
        starts = range(max(0, quantity.at - _NEAR_TOKENS), quantity.at)
        before = [longest(found.row, start, draft.catalogue.vocabulary.alone) for start in starts]
        after = next((one for one in before if one and one.tokens[-1] >= quantity.at - 2), None)
        first = after.tokens[0] if after else first
    if after is None or first == last:
        return False
    indicator = draft.catalogue[after.codes[0]]
    if (value_of(quantity) or 0) * _SMALL_SHARE < indicator.usual_max.get(draft.level, 0):
        return False
    add(draft, indicator, quantity, first=first, last=last)
    add_whole(draft, indicator, quantity)
    return True


def _ends_clause(draft: Draft, at: int) -> bool:
    """Tell whether only small words of politeness follow up to the next comma or end."""
    texts = draft.found.row.texts
    following = at + 1
    while following < len(texts) and same_clause(draft.found, at, following) and texts[following] in _POLITE:
        following += 1
    ends = following == len(texts) or not same_clause(draft.found, at, following)
    ends = ends or texts[following] in {"/", DATE, "dat", "chiem"}
    return ends or any(mention.first == following for mention in draft.found.mentions)


def last_pair(draft: Draft, quantity: Quantity) -> Pair | None:
    before = [chosen for chosen in draft.pairs if chosen.quantity.at < quantity.at]
    return before[-1] if before else None


def add_like_the_last(draft: Draft, quantity: Quantity) -> bool:
    """Read a number that leaves out what it shares with the last: "giúp 3 hộ nghèo, 2 hộ cận nghèo"; "quý 2 600k"."""
    last = last_pair(draft, quantity)
    found = draft.found
    if last is None or value_of(quantity) is None or found.strong[last.quantity.at] != found.strong[quantity.at]:
        return False
    indicator = draft.catalogue[last.code]
    if _is_total_so_far(draft, quantity) and fits(quantity, indicator) and not indicator.stock:
        year = next((record.date for _, record in reversed(draft.rows) if record.indicator == last.code), None)
        add(draft, indicator, quantity, first=quantity.at, last=quantity.ends, label=(year or "")[:4] or None)
        return True
    dated = not quantity.units and fits(quantity, indicator) and _has_own_date(draft, quantity)
    if not dated and not alike(last.quantity, quantity):
        return False
    end = _clause_end(draft, quantity)
    first = quantity.at
    while first and quantity.at - first < _NEAR_TOKENS and same_clause(found, first - 1, quantity.at):
        first -= 1
    said = f" {' '.join(found.row.texts[first : end + 1])} "
    named = any(f" {word} " in said for words in _by_words(draft, last.code) for word in words)
    if not named and not dated and not _has_own_date(draft, quantity):
        return False
    add(draft, indicator, quantity, first=first if named else quantity.at, last=end if named else quantity.ends)
    return True


def _is_total_so_far(draft: Draft, quantity: Quantity) -> bool:
    """Tell whether "lũy kế" stands before a number and no period of its own: "hv mới 6 (lũy kế 52)"."""
    near = [cue for cue in cues_before(draft.found, quantity.at) if quantity.at - cue[1] <= 2]
    return any(name == "cumulative" for _, _, name in near) and not _has_own_date(draft, quantity)


def _by_words(draft: Draft, code: str) -> list[tuple[str, ...]]:
    return [words for values in draft.catalogue[code].by_folded.values() for words in values.values()]


def _clause_end(draft: Draft, quantity: Quantity) -> int:
    end = quantity.ends
    last = min(len(draft.found.tokens) - 1, quantity.ends + _NEAR_TOKENS)
    while end < last and same_clause(draft.found, end + 1, quantity.at):
        end += 1
    return end


def _has_own_date(draft: Draft, quantity: Quantity) -> bool:
    return any(same_clause(draft.found, at, quantity.at) for at, _ in draft.told.dates)


def add_under_heading(draft: Draft, quantity: Quantity) -> bool:
    """Read a line "xã Hòa Phú: 9" under the heading "Hội viên mới:"; each has its own place or date."""
    found = draft.found
    line = found.strong[quantity.at]
    if value_of(quantity) is None or any(found.strong[mention.first] == line for mention in found.mentions):
        return False
    heading = _heading(draft, line)
    if heading is None or heading.first in draft.sorted.silent:
        return False
    indicator = draft.catalogue[heading.codes[0]]
    if not ({indicator.unit, *indicator.accepts} & set(quantity.units) or not quantity.units):
        return False
    first = quantity.at
    while first and found.strong[first - 1] == line:
        first -= 1
    texts = [token.text for token in found.tokens[first : quantity.at]]
    named = _name_before_number(draft, _after_dash(draft, first))
    placed = bool(named) or _names_place(draft, first)
    if not placed and (DATE not in texts or heading.first in draft.paired_mentions):
        return False
    if placed:
        draft.heads[quantity.at] = named or _head_of(draft, first, quantity.at - 1)
    add(draft, indicator, quantity, first=quantity.at, last=quantity.ends)
    return True


def _head_of(draft: Draft, first: int, last: int) -> str:
    start, end = span_of(draft.found, first, last)
    return draft.found.text.original[start:end].strip(" -+•:;.,\n")


def add_carried(draft: Draft, quantity: Quantity) -> bool:
    """Read a count whose verb stands further before in the sentence: "duy trì 2 địa chỉ tin cậy, 3 CLB"."""
    found = draft.found
    first = bisect_left(found.strong, found.strong[quantity.at])
    said = f" {' '.join(found.row.texts[max(first, quantity.at - _CARRIED) : quantity.at])} "
    best: tuple[int, str] | None = None
    for indicator in draft.catalogue.carried:
        places = [said.rfind(f" {verb} ") for verb in indicator.carried]
        if indicator.unit in quantity.units and value_of(quantity) is not None and max(places) >= 0:
            best = max(best or (-1, ""), (max(places), indicator.code))
    if best is None:
        return False
    add(draft, draft.catalogue[best[1]], quantity, first=quantity.at, last=quantity.ends)
    return True


def line_head(draft: Draft, at: int) -> str | None:
    """Return the place that heads the line of a token: "xã Ia Phí: hv mới 6, cây 300"."""
    found = draft.found
    first = max(bisect_left(found.strong, found.strong[at]), bisect_left(found.weak, found.weak[at]))
    first = _after_dash(draft, first)
    texts = found.row.texts[first : first + 2 * _NEAR_TOKENS]
    named = _name_before_number(draft, first)
    if named:
        return named
    if ":" not in texts or not _names_place(draft, first):
        return None
    return _head_of(draft, first, first + texts.index(":"))


def _after_dash(draft: Draft, first: int) -> int:
    texts = draft.found.row.texts
    first += texts[first] == "\n"
    return first + (texts[first : first + 1] in ([","], ["("], ["-"], ["+"], ["."], ["•"]))


def _name_before_number(draft: Draft, first: int) -> str | None:
    """Return the name that opens a line before its first number: "- Kon Tum 1.120 hv mới"."""
    found = draft.found
    original = found.text.original
    if draft.level in draft.catalogue.levels[:_LEVELS_OF_PERSONS] or original.isupper() or "\n" not in original:
        return None
    last = first
    while last < len(found.tokens) and found.row.texts[last].isalpha() and last - first <= _NEAR_TOKENS:
        last += 1
    if not first < last < len(found.tokens) or found.row.texts[last] not in {NUMBER, ":"}:
        return None
    starts = [found.text.span(token.start, token.end)[0] for token in found.tokens[first:last]]
    known = last == first + 1 and found.row.texts[first] in draft.catalogue.vocabulary.known
    mentioned = any(first <= mention.first < last for mention in found.mentions)
    if known or mentioned or not all(original[start].isupper() for start in starts):
        return None
    return _head_of(draft, first, last - 1)


def place_by_names(draft: Draft) -> None:
    """Give figures without a place the name that opens their line."""
    for index, (at, record) in enumerate(draft.rows):
        first = bisect_left(draft.found.strong, draft.found.strong[at])
        name = None if record.place else _name_before_number(draft, _after_dash(draft, first))
        if name:
            draft.rows[index] = (at, replace(record, place=name))


def _names_place(draft: Draft, first: int) -> bool:
    """Tell whether a line begins with a place; "thôn 1" is one token by now."""
    start = draft.found.tokens[first].start
    words = _WORD.findall(draft.found.text.text, start, start + _HEAD_CHARS)[:2]
    return not draft.catalogue.vocabulary.place_words.isdisjoint(words)


def _heading(draft: Draft, line: int) -> Mention | None:
    """Return the only words of an indicator in the nearest line above that has any."""
    above = [mention for mention in draft.found.mentions if draft.found.strong[mention.first] < line]
    if not above:
        return None
    nearest = draft.found.strong[above[-1].first]
    same = [mention for mention in above if draft.found.strong[mention.first] == nearest]
    return same[0] if len(same) == 1 else None


def alike(one: Quantity, other: Quantity) -> bool:
    both_money = all(number.money or (number.number.scaled and not number.units) for number in (one, other))
    return both_money or bool(set(one.units) & set(other.units))
