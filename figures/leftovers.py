"""Give numbers without words of their own to what stands near, or tell that they report nothing new; else ask."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from figures.catalogue import Indicator
from figures.draft import Draft, add, context_of, same_clause, span_of, value_of
from figures.pairing import Pair
from figures.phrases import longest
from figures.reading_types import Ask
from figures.scan import DATE, Mention, Quantity
from figures.sorting import cues_before

PEOPLE = frozenset({"nguoi", "luot_nguoi"})
_UNION = frozenset({"chi_hoi", "co_so", "don_vi"})
_HELPED = PEOPLE | {"ho", "tre"}
_NEAR_TOKENS = 4
# Words that may name a total alone do so only for a number that can be one: at least a fiftieth of the usual most.
_SMALL_SHARE = 50
_POLITE = frozenset({"a", "ah", "chi", "oi", "nhe", "nha", "em", "roi", "thoi", "do", "hien", "nay", "va", "."})
_PLACE_WORDS = frozenset(
    {"xa", "phuong", "thon", "lang", "buon", "bon", "plei", "huyen", "khu", "to", "ap", "xom", "tdp", "thi", "chi"}
)


def place_left_over(draft: Draft) -> None:
    """Give each number without words of its own to what stands near: its money, its people; else ask."""
    remaining = [quantity for quantity in draft.unplaced if not _is_placed(draft, quantity)]
    for quantity in remaining:
        if not (draft.rows and _is_beside_the_point(draft, quantity)):
            draft.asks.append(not_understood(quantity))


def _is_placed(draft: Draft, quantity: Quantity) -> bool:
    if "percent" in quantity.units:
        draft.percents.append(quantity)
        return True
    ways = (_says_nothing_new, _add_far, _add_linked, _add_like_the_last, _add_under_heading, _add_alone)
    return any(way(draft, quantity) for way in ways)


def not_understood(quantity: Quantity) -> Ask:
    """Return the question what a number means."""
    values: dict[str, str | int | float] = {"value": str(quantity.number.value)}
    if quantity.units and not quantity.money:
        values["unit"] = quantity.units[0]
    return Ask("not_understood", values)


def breakdowns(draft: Draft, quantities: Sequence[Quantity]) -> set[int]:
    """Return the tokens of numbers that only take apart the figure before them: "2 chị khởi nghiệp, 1 chị …"."""
    paired = {chosen.quantity.at for chosen in draft.pairs}
    taken: set[int] = set()
    for index, whole in enumerate(quantities):
        if whole.at not in paired:
            continue
        sum_, run = 0, []
        for part in quantities[index + 1 :]:
            if part.at in paired or not _alike(whole, part) or value_of(part) is None:
                break
            run.append(part.at)
            sum_ += int(value_of(part) or 0)
            if len(run) > 1 and sum_ == value_of(whole):
                taken.update(run)
                break
    return taken


def _alike(one: Quantity, other: Quantity) -> bool:
    return bool(set(one.units) & set(other.units)) or (one.money and other.money)


def _says_nothing_new(draft: Draft, quantity: Quantity) -> bool:
    """Tell whether a number repeats another ("cả 2 cái", "= 2.800.000đ") or counts what was visited."""
    found = draft.found
    before = found.tokens[quantity.at - 1].text if quantity.at else ""
    if before == "=" and any(record.value == value_of(quantity) for _, record in draft.rows):
        return True
    cues = [(last, name) for _, last, name in cues_before(found, quantity.at + 1) if quantity.at - last <= _NEAR_TOKENS]
    if any(last == quantity.at and name == "total" for last, name in cues):
        return any(chosen.quantity.number.value == quantity.number.value for chosen in draft.pairs)
    visited = [last for last, name in cues if name == "visited" and found.weak[last] == found.weak[quantity.at]]
    return bool(visited and draft.rows and _HELPED & set(quantity.units))


def _add_linked(draft: Draft, quantity: Quantity) -> bool:
    """Add the money or people of what stands before."""
    link = "money" if quantity.money or _is_bare_money(quantity) else "people" if PEOPLE & set(quantity.units) else None
    owner = context_of(draft, quantity, link) if link else None
    code = getattr(draft.catalogue[owner].links, link) if owner and link else None
    if not code or not owner or value_of(quantity) is None:
        return False
    if link == "people" and _is_given_to(draft, quantity) and not _owns_nearest(draft, quantity, owner):
        return False
    product = next((record for _, record in draft.rows if record.indicator == code and record.derived), None)
    if product and link == "money":
        if product.value != value_of(quantity):
            draft.asks.append(Ask("parts_differ", {"parts": product.value, "total": value_of(quantity) or 0}))
        return True
    add(draft, draft.catalogue[code], quantity, first=quantity.at, last=quantity.ends)
    if link == "money" and _each_or_total(draft, quantity, owner):
        draft.asks.append(Ask("each_or_total", {"indicator": code}))
    return True


def _add_far(draft: Draft, quantity: Quantity) -> bool:
    """Give a number of money or of things to words further before it that have none: "vận động … trên 7,5 tỷ"."""
    found = draft.found
    end = bisect_left(found.mentions, quantity.at, key=lambda mention: mention.first)
    for mention in reversed(found.mentions[max(0, end - 3) : end]):
        if found.strong[mention.first] != found.strong[quantity.at] or mention.first in draft.paired_mentions:
            return False
        indicator = draft.catalogue[mention.codes[0]]
        money = indicator.unit == "vnd" and quantity.money
        things = indicator.unit in quantity.units and not PEOPLE & set(quantity.units)
        if (money or things) and mention.first not in draft.sorted.silent and value_of(quantity) is not None:
            add(draft, indicator, quantity, first=mention.first, last=quantity.ends)
            return True
    return False


def _add_alone(draft: Draft, quantity: Quantity) -> bool:
    """Read words that name something only where nothing else does: "chi hội em có 95 hội viên", "hội viên: 95"."""
    found = draft.found
    if any(same_clause(found, chosen.quantity.at, quantity.at) for chosen in draft.pairs) or value_of(quantity) is None:
        return False
    first = last = quantity.at
    after = longest(found.row, quantity.at + 1, draft.catalogue.vocabulary.alone)
    if after and _ends_clause(draft, after.tokens[-1]):
        last = after.tokens[-1]
    elif not quantity.units and _ends_clause(draft, quantity.at):
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
    return True


def _ends_clause(draft: Draft, at: int) -> bool:
    """Tell whether only small words of politeness follow up to the next comma or end."""
    texts = draft.found.row.texts
    following = at + 1
    while following < len(texts) and same_clause(draft.found, at, following) and texts[following] in _POLITE:
        following += 1
    return following == len(texts) or not same_clause(draft.found, at, following) or texts[following] in {"/", DATE}


def _is_bare_money(quantity: Quantity) -> bool:
    return not quantity.units and quantity.number.scaled and (quantity.number.value or 0) >= 10_000


def _each_or_total(draft: Draft, quantity: Quantity, owner: str) -> bool:
    counts = [chosen.quantity for chosen in draft.pairs if chosen.code == owner]
    before = [count for count in counts if count.at < quantity.at]
    count = before[-1] if before else counts[-1] if counts else None
    if count is None or not count.number.value or count.number.value <= 1:
        return False
    names = {name for first, last, name in draft.found.cues if count.at < first and last < quantity.at}
    if "total" in names or any(first <= count.at <= last for first, last, name in draft.found.cues if name == "total"):
        return False
    value = value_of(quantity) or 0
    return "worth" not in names or not _is_surely_total(
        value, value / float(count.number.value), draft.catalogue[owner]
    )


def _is_surely_total(value: int | float, each: float, indicator: Indicator) -> bool:
    """Tell whether a worth can only be that of all: one would cost as usual, and this is too much for one."""
    usual = indicator.usual_each
    return not usual or (usual["from"] <= each <= usual["to"] < value)


def _is_given_to(draft: Draft, quantity: Quantity) -> bool:
    before = draft.found.tokens[max(0, quantity.at - 2) : quantity.at]
    return any(token.text in {"cho", "toi", "den", "cua"} for token in before)


def _owns_nearest(draft: Draft, quantity: Quantity, owner: str) -> bool:
    last = _last_pair(draft, quantity)
    return last is None or last.code == owner or not same_clause(draft.found, last.quantity.at, quantity.at)


def _last_pair(draft: Draft, quantity: Quantity) -> Pair | None:
    before = [chosen for chosen in draft.pairs if chosen.quantity.at < quantity.at]
    return before[-1] if before else None


def _add_like_the_last(draft: Draft, quantity: Quantity) -> bool:
    """Read a number that leaves out what it shares with the last: "giúp 3 hộ nghèo, 2 hộ cận nghèo"; "quý 2 600k"."""
    last = _last_pair(draft, quantity)
    if last is None or not _alike(last.quantity, quantity) or value_of(quantity) is None:
        return False
    found = draft.found
    if found.strong[last.quantity.at] != found.strong[quantity.at]:
        return False
    indicator = draft.catalogue[last.code]
    end = _clause_end(draft, quantity)
    said = f" {found.text.text[found.tokens[quantity.at].start : found.tokens[end].end]} "
    named = any(f" {word} " in said for words in _by_words(draft, last.code) for word in words)
    if not named and not _has_own_date(draft, quantity):
        return False
    add(draft, indicator, quantity, first=quantity.at, last=end if named else quantity.ends)
    return True


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


def _add_under_heading(draft: Draft, quantity: Quantity) -> bool:
    """Read a line "xã Hòa Phú: 9" under the heading "Hội viên mới:"; each has its own place or date."""
    found = draft.found
    line = found.strong[quantity.at]
    if value_of(quantity) is None or any(found.strong[mention.first] == line for mention in found.mentions):
        return False
    heading = _heading(draft, line)
    if heading is None or heading.first in draft.paired_mentions or heading.first in draft.sorted.silent:
        return False
    indicator = draft.catalogue[heading.codes[0]]
    if not ({indicator.unit, *indicator.accepts} & set(quantity.units) or not quantity.units):
        return False
    first = quantity.at
    while first and found.strong[first - 1] == line:
        first -= 1
    texts = [token.text for token in found.tokens[first : quantity.at]]
    if not (DATE in texts or _PLACE_WORDS & set(texts[:3])):
        return False
    if _PLACE_WORDS & set(texts[:3]):
        draft.heads[quantity.at] = _head_of(draft, first, quantity.at - 1)
    add(draft, indicator, quantity, first=quantity.at, last=quantity.ends)
    return True


def _head_of(draft: Draft, first: int, last: int) -> str:
    start, end = span_of(draft.found, first, last)
    return draft.found.text.original[start:end].strip(" -+•:\n")


def _heading(draft: Draft, line: int) -> Mention | None:
    """Return the only words of an indicator in the nearest line above that has any."""
    above = [mention for mention in draft.found.mentions if draft.found.strong[mention.first] < line]
    if not above:
        return None
    nearest = draft.found.strong[above[-1].first]
    same = [mention for mention in above if draft.found.strong[mention.first] == nearest]
    return same[0] if len(same) == 1 else None


def _is_beside_the_point(draft: Draft, quantity: Quantity) -> bool:
    """Tell whether a number counts who took part or who was given to, where the figure itself is read."""
    units = set(quantity.units)
    if units & _UNION:
        return True
    if "buoi" in units:
        return any(draft.catalogue[chosen.code].links.people == chosen.code for chosen in draft.pairs)
    return bool(_HELPED & units) and _is_given_to(draft, quantity)
