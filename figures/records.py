"""Turn the numbers of a message into records: values, products, ones, parts, shares, dates, and what to ask first."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace

from figures.catalogue import Catalogue, Indicator
from figures.draft import (
    Draft,
    Place,
    add,
    add_whole,
    by_of,
    context_of,
    plain,
    put,
    same_clause,
    span_of,
    value_of,
)
from figures.echoes import line_head, place_by_names
from figures.leftovers import breakdowns, not_understood, place_left_over
from figures.pairing import Pair, pair
from figures.rates import add_rate
from figures.reading_types import Ask, Record
from figures.scan import Mention, Quantity, Scan
from figures.sorting import Part, Sorted, sort_numbers
from figures.when import Told
from vietnamese.fold import fold

_PERCENT_TOLERANCE = 0.11
_POOR = {"ho_ngheo": "ngheo", "can_ngheo": "can_ngheo"}
_NEAR = 6
_PERSON = frozenset({"chi", "ba", "co", "em", "ho", "nha", "chau", "be"})
_NO_NAMES = frozenset(
    {"em", "oi", "a", "nhe", "nha", "hoi", "ngheo", "vao", "vo", "moi", "da", "co", "duoc", "dc", "la", "nao", "ay"}
    | {"do", "gi", "trong", "va", "thi", "xin", "bao", "can"}
)
_WORD = re.compile(r"[a-z0-9]+")
_WHOLE = 100
_MOST_MEETINGS = 12
_COUNTING = frozenset({"buoi", "cuoc", "lan", "dot", "nghi"})
_CLASS = frozenset({"lop", "huan"})
_TOLD_NEW = frozenset({"moi", "them"})


def build(found: Scan, catalogue: Catalogue, when: Told, level: str, places: tuple[Place, ...] = ()) -> Draft:
    """Return the records of a scan, in the order of the text, with the questions that arose."""
    numbers = sort_numbers(found, catalogue)
    draft = Draft(found, catalogue, when, level, numbers, places)
    draft.pairs = _kept(pair(found, (*numbers.values, *numbers.left), catalogue), numbers, catalogue)
    draft.pairs = [_renamed(_redirected(chosen, draft), draft) for chosen in draft.pairs]
    draft.pairs = [chosen for chosen in draft.pairs if not _is_odd_count(draft, chosen)]
    whole = {chosen.quantity.at for chosen in draft.pairs}
    draft.pairs = _without_classes(draft, _without_parts(draft))
    for chosen in draft.pairs:
        _add_pair(draft, chosen)
    paired = {chosen.quantity.at for chosen in draft.pairs}
    told = breakdowns(draft, numbers.values) | (whole - paired)
    draft.unplaced = [quantity for quantity in numbers.values if quantity.at not in paired | told]
    for rate in numbers.rates:
        add_rate(draft, rate)
    draft.unplaced += numbers.sums
    _add_ones(draft)
    _add_zeros(draft)
    place_left_over(draft)
    if any(at not in paired for at in numbers.unsure_left):
        draft.asks.append(Ask("number", {"doubt": "left"}))
    _add_parts(draft)
    for quantity in numbers.doubtful:
        draft.asks.append(Ask("number", {"doubt": quantity.number.doubt or "vague"}))
    if any(name == "unsure" for _, _, name in found.cues) and (draft.rows or found.quantities):
        draft.asks.append(Ask("number", {"doubt": "vague"}))
    place_by_names(draft)
    _teach(draft)
    _add_activities(draft)
    _add_shares(draft)
    _check(draft)
    draft.rows.sort(key=lambda row: row[0])
    return draft


def _without_classes(draft: Draft, pairs: list[Pair]) -> list[Pair]:
    """Leave out the classes in which officers were trained: "3 lớp tập huấn lồng ghép giới cho 96 người"."""
    found = draft.found
    trained = {found.strong[one.quantity.at] for one in pairs if draft.catalogue[one.code].links.people == one.code}
    kept = []
    for one in pairs:
        words = found.row.texts[one.mention.first : one.mention.last + 1]
        is_class = one.code == "ACTIVITY_COUNT" and not _CLASS.isdisjoint(words)
        if found.strong[one.quantity.at] not in trained or not is_class:
            kept.append(one)
    return kept


def _without_parts(draft: Draft) -> list[Pair]:
    """Leave out numbers that take the one before them apart: "100 cây gồm 60 cây bơ, 40 cây sầu riêng"."""
    found = draft.found
    opens = {last for _, last, name in found.cues if name == "part"}
    opens |= {at for at, text in enumerate(found.row.texts) if text in {"(", ":"}}
    kept: list[Pair] = []
    pairs, index = draft.pairs, 0
    while index < len(pairs):
        whole = pairs[index]
        kept.append(whole)
        index += 1
        end, total = index, 0
        while end < len(pairs) and pairs[end].code == whole.code and total != value_of(whole.quantity):
            total += int(value_of(pairs[end].quantity) or 0)
            end += 1
        between = range(whole.quantity.ends, pairs[index].quantity.at) if end > index else range(0)
        opened = any(at in opens and "," not in found.row.texts[whole.quantity.ends : at] for at in between)
        if opened and total == value_of(whole.quantity):
            index = end
    return kept


def _kept(pairs: list[Pair], numbers: Sorted, catalogue: Catalogue) -> list[Pair]:
    """Drop what remains or waits ("còn 3 hộ") unless it is a state: "còn 2 chi hội dưới 60%"."""
    left = {quantity.at for quantity in numbers.left}
    return [chosen for chosen in pairs if chosen.quantity.at not in left or catalogue[chosen.code].stock]


def _redirected(chosen: Pair, draft: Draft) -> Pair:
    """Give people who took part in something with members of its own to it: "ra mắt CLB thủ lĩnh, 30 em tham gia"."""
    crowd = draft.catalogue[chosen.code].links.people
    if crowd and chosen.quantity.number.of and draft.catalogue[crowd].links.activity and not chosen.quantity.units:
        # "Sinh hoạt tháng 11: 29/45" are those who came of all.
        return replace(chosen, code=crowd)
    if not draft.catalogue[chosen.code].links.activity:
        return chosen
    owner = context_of(draft, chosen.quantity, "people")
    code = draft.catalogue[owner].links.people if owner else None
    return replace(chosen, code=code) if code else chosen


def _is_odd_count(draft: Draft, chosen: Pair) -> bool:
    """Tell whether a large number of nothing named can be no number of meetings: "họp BCH 28 uỷ viên"."""
    crowd = draft.catalogue[chosen.code].links.people
    meets = crowd is not None and draft.catalogue[crowd].links.activity == chosen.code
    few = (value_of(chosen.quantity) or 0) <= _MOST_MEETINGS
    words = draft.found.row.texts[chosen.mention.first : chosen.mention.last + 1]
    return meets and not few and not chosen.quantity.units and _COUNTING.isdisjoint(words)


def _renamed(chosen: Pair, draft: Draft) -> Pair:
    """Give "1 cuộc" to what is counted so and stands before without a number: "giám sát ở 3 thôn (1 cuộc)"."""
    mention, found = chosen.mention, draft.found
    if mention.first != mention.last or mention.last != chosen.quantity.ends:
        return chosen
    end = bisect_left(found.mentions, mention.first, key=lambda one: one.first)
    paired = draft.paired_mentions
    for other in reversed(found.mentions[max(0, end - 3) : end]):
        indicator = draft.catalogue[other.codes[0]]
        near = found.strong[other.first] == found.strong[mention.first]
        if near and other.first not in paired and indicator.unit in chosen.quantity.units:
            return replace(chosen, code=indicator.code)
    return chosen


def _add_pair(draft: Draft, chosen: Pair) -> None:
    indicator = draft.catalogue[chosen.code]
    quantity = chosen.quantity
    if indicator.unit == "percent":
        draft.percents.append(quantity)
    elif value_of(quantity) is None:
        draft.asks.append(Ask("number", {"doubt": "fraction"}))
    else:
        first, last = min(quantity.at, chosen.mention.first), max(quantity.ends, chosen.mention.last)
        add(draft, indicator, quantity, first=first, last=last)
        add_whole(draft, indicator, quantity)


def _add_ones(draft: Draft) -> None:
    """Count one where words alone report it: "bàn giao mái ấm tình thương". An explicit number goes before."""
    counted = {record.indicator for _, record in draft.rows}
    counted |= _held_by_training(draft)
    used = {chosen.mention.first for chosen in draft.pairs}
    for mention in draft.found.mentions:
        indicator = draft.catalogue[_one_code(mention)]
        begun = bool(indicator.needs) and _is_begun(draft, mention)
        single = mention.one or begun or (indicator.named and _is_named(draft, mention))
        if not single or mention.first in used or mention.first in draft.sorted.silent or indicator.code in counted:
            continue
        counted.add(indicator.code)
        by = by_of(draft.found, indicator, mention.first, mention.last)
        span = span_of(draft.found, mention.first, mention.last)
        if "ho" in indicator.accepts and any(_is_of_several(draft, chosen, mention) for chosen in draft.pairs):
            draft.asks.append(Ask("number", {"doubt": "vague"}))
        put(draft, mention.first, Record(indicator.code, 1, indicator.unit, None, span, by=by))


def _is_begun(draft: Draft, mention: Mention) -> bool:
    """Tell whether the clause founds the one it names: "HTX dệt thổ cẩm ra mắt hôm qua"."""
    found = draft.found
    first = mention.last + 1
    last = first
    while last < len(found.tokens) and same_clause(found, last, mention.last):
        last += 1
    said = " ".join(found.row.texts[first:last])
    counted = any(first <= one.at < last and "htx" in one.units for one in found.quantities)
    return not counted and any(f" {verb} " in f" {said} " for verb in ("ra mat", "thanh lap"))


def _is_of_several(draft: Draft, chosen: Pair, mention: Mention) -> bool:
    """Tell whether several households stand in the clause of a house: "giúp 2 hộ nghèo sửa nhà"."""
    several = "ho" in chosen.quantity.units and (value_of(chosen.quantity) or 0) > 1
    return several and same_clause(draft.found, chosen.quantity.at, mention.first)


def _held_by_training(draft: Draft) -> set[str]:
    """Return the count of activities where officers were trained: training is told by its people alone."""
    trained = any(draft.catalogue[record.indicator].links.people == record.indicator for _, record in draft.rows)
    return {row.code for row in draft.catalogue if row.links.people == "ACTIVITY_PARTICIPANTS"} if trained else set()


def _add_zeros(draft: Draft) -> None:
    """Add the zeros told in words beside other figures: "hội viên chuyển đi: không phát sinh"."""
    if not draft.rows:
        return
    found, used = draft.found, set(draft.paired_mentions)
    nils = {first: last for first, last, name in found.cues if name == "nil"}
    for mention in found.mentions:
        at = mention.last + 1
        at += found.row.texts[at : at + 1] in ([":"], ["-"])
        ends = nils.get(at, -1) + 1
        over = ends == len(found.tokens) or (ends and not same_clause(found, at, ends))
        if at in nils and over and mention.first not in used:
            indicator = draft.catalogue[_one_code(mention)]
            span = span_of(found, mention.first, ends - 1)
            put(draft, mention.first, Record(indicator.code, 0, indicator.unit, None, span))


def _is_named(draft: Draft, mention: Mention) -> bool:
    """Tell whether one person is named in the clause: "kết nạp thêm chị Rơ Châm Hyen"; unsure without capitals."""
    found = draft.found
    counts = [one for one in found.quantities if not (one.money or one.number.scaled)]
    if any(same_clause(found, quantity.at, mention.first) for quantity in counts):
        return False
    original = found.text.original
    for at in range(max(0, mention.first - _NEAR), min(len(found.tokens) - 1, mention.last + _NEAR)):
        token, name = found.tokens[at : at + 2]
        near = same_clause(found, at, mention.first) and same_clause(found, at + 1, at)
        inside = mention.first <= at + 1 <= mention.last
        if token.text not in _PERSON or not near or inside or not name.text.isalpha() or name.text in _NO_NAMES:
            continue
        start, _ = found.text.span(name.start, name.end)
        if original.isupper() or original.islower():
            draft.asks.append(Ask("number", {"doubt": "vague"}))
            return False
        if original[start].isupper():
            return True
    return False


def _one_code(mention: Mention) -> str:
    return mention.codes[0]


def _add_parts(draft: Draft) -> None:
    """Hang the parts of a breakdown on the figure before them; money whose parts do not match is asked."""
    for parent in dict.fromkeys(part.parent for part in draft.sorted.parts):
        parts = [part for part in draft.sorted.parts if part.parent == parent]
        owner = _owner_of(draft, parent)
        if owner is None:
            draft.asks.append(not_understood(parts[0].quantity))
            continue
        index, record = owner
        values: dict[str, int] = {}
        for part in parts:
            values[part.name] = values.get(part.name, 0) + _part_value(part)
        at = draft.rows[index][0]
        draft.rows[index] = (at, replace(record, by={**record.by, **values}))
        if not _may_be_parts(values, record, draft.catalogue):
            draft.asks.append(Ask("parts_differ", {"parts": sum(values.values()), "total": record.value}))
        elif "ho_ngheo" in draft.catalogue[record.indicator].by and set(values) == set(_POOR):
            draft.rows[index : index + 1] = [
                (at, replace(record, value=value, by={"ho_ngheo": _POOR[name]})) for name, value in values.items()
            ]


def _may_be_parts(values: dict[str, int], record: Record, catalogue: Catalogue) -> bool:
    """Tell whether parts agree with their total: money and whole partitions add up, others may overlap."""
    total = sum(values.values())
    if record.unit == "vnd":
        return total == record.value
    if any(value > record.value for value in values.values()):
        return False
    for whole in catalogue.partitions:
        if set(values) <= whole and len(values) > 1:
            return total == record.value
    return True


def _owner_of(draft: Draft, parent: int) -> tuple[int, Record] | None:
    start, _ = span_of(draft.found, parent, parent)
    rows = enumerate(draft.rows)
    return next(((i, record) for i, (_, record) in rows if record.span[0] <= start < record.span[1]), None)


def _part_value(part: Part) -> int:
    assert part.quantity.number.value is not None
    return int(part.quantity.number.value)


def _teach(draft: Draft) -> None:
    """Count officers who came to be taught as that alone: "tập huấn cho đội ngũ chi hội trưởng, 19 người dự"."""
    found = draft.found
    for indicator in draft.catalogue.taught:
        said = [(at, _sentence_of(draft, at)) for at, record in draft.rows if _is_of_activity(draft, record)]
        taught = {
            found.strong[at]
            for at, words in said
            if any(f" {word} " in words for word in indicator.taught)
            and any(f" {word} " in words for word in indicator.learners)
        }
        people = {found.strong[at] for at, record in draft.rows if draft.catalogue[record.indicator].links.activity}
        rows = []
        for at, record in draft.rows:
            if found.strong[at] not in taught & people or not _is_of_activity(draft, record):
                rows.append((at, record))
            elif draft.catalogue[record.indicator].links.activity:
                rows.append((at, replace(record, indicator=indicator.code, unit=indicator.unit)))
        draft.rows[:] = rows


def _is_of_activity(draft: Draft, record: Record) -> bool:
    links = draft.catalogue[record.indicator].links
    return links.activity is not None or (
        links.people is not None and draft.catalogue[links.people].links.activity is not None
    )


def _sentence_of(draft: Draft, at: int) -> str:
    found = draft.found
    first, after = bisect_left(found.strong, found.strong[at]), bisect_left(found.strong, found.strong[at] + 1)
    return f" {' '.join(_WORD.findall(found.text.text[found.tokens[first].start : found.tokens[after - 1].end]))} "


def _add_activities(draft: Draft) -> None:
    """Add the one activity that people took part in, where no activity is counted on that day."""
    for at, record in list(draft.rows):
        code = draft.catalogue[record.indicator].links.activity
        if code and not any(
            draft.catalogue[row.indicator].links.people == record.indicator and row.date == record.date
            for _, row in draft.rows
        ):
            draft.rows.append((at, Record(code, 1, draft.catalogue[code].unit, record.date, record.span, record.place)))


def _add_shares(draft: Draft) -> None:
    """Compute the ratios whose parts are known; a percentage said must agree, without parts it is a record."""
    values = {record.indicator: record.value for _, record in draft.rows}
    for indicator in draft.catalogue:
        part, whole = values.get(indicator.numerator or ""), values.get(indicator.denominator or "")
        if indicator.kind == "ratio" and part is not None and whole:
            draft.derived[indicator.code] = round(100 * part / whole, 2)
    for quantity in draft.percents:
        assert quantity.number.value is not None
        said = float(quantity.number.value)
        chosen = next((chosen for chosen in draft.pairs if chosen.quantity.at == quantity.at), None)
        shares = _shares_beside(draft, quantity)
        if shares:
            if all(abs(said - share) > _PERCENT_TOLERANCE for share in shares):
                draft.asks.append(Ask("share_differs", {"said": said}))
        elif chosen:
            span = span_of(draft.found, quantity.at, quantity.ends)
            put(draft, quantity.at, Record(chosen.code, plain(quantity.number.value) or 0, "percent", None, span))
            if quantity.number.qualifier and said == draft.catalogue[chosen.code].threshold:
                draft.asks.append(not_understood(quantity))
        elif not _add_share_of(draft, quantity) and not draft.rows:
            draft.asks.append(not_understood(quantity))


def _has_needed(draft: Draft, at: int, indicator: Indicator) -> bool:
    """Tell whether the sentence says what the indicator needs: "thành lập mới 2 HTX", not "hỗ trợ 2 HTX"."""
    found = draft.found
    first, after = bisect_left(found.strong, found.strong[at]), bisect_left(found.strong, found.strong[at] + 1)
    texts = found.row.texts
    heading = found.text.text[: found.tokens[texts.index(":")].start] if ":" in texts else ""
    sentence = found.text.text[found.tokens[first].start : found.tokens[after - 1].end]
    said = f" {' '.join(_WORD.findall(f'{heading} {sentence}'))} "
    return any(f" {word} " in said for word in indicator.needs)


def _is_told_new(draft: Draft, record: Record) -> bool:
    """Tell whether "nhận đỡ đầu mới", "nhận thêm" say what the level is otherwise asked."""
    start, end = record.span
    return bool(_TOLD_NEW & set(fold(draft.found.text.original[start:end]).split()))


def _add_share_of(draft: Draft, quantity: Quantity) -> bool:
    """Add the ratio of a figure whose whole is not told: "1.105 hv, tỷ lệ 67,3%"."""
    found = draft.found
    if found.row.texts[max(0, quantity.at - 2) : quantity.at] not in (["ty", "le"], ["ti", "le"], ["le", "dat"]):
        return False
    near = {record.indicator for at, record in draft.rows if found.strong[at] == found.strong[quantity.at]}
    ratio = next((row for row in draft.catalogue if row.kind == "ratio" and row.numerator in near), None)
    value = plain(quantity.number.value)
    if ratio is None or ratio.code in near or value is None or value > _WHOLE:
        return False
    put(draft, quantity.at, Record(ratio.code, value, "percent", None, span_of(found, quantity.at, quantity.ends)))
    return True


def _shares_beside(draft: Draft, quantity: Quantity) -> list[float]:
    """Return the shares a percentage may repeat: those whose parts stand in its sentence, or that it names."""
    strong = draft.found.strong
    near = {record.indicator for at, record in draft.rows if strong[at] == strong[quantity.at]}
    named = {chosen.code for chosen in draft.pairs if chosen.quantity.at == quantity.at}
    ratios = [draft.catalogue[code] for code in draft.derived]
    return [draft.derived[row.code] for row in ratios if {row.numerator, row.denominator} & near or row.code in named]


def _check(draft: Draft) -> None:
    seen: set[tuple[str, str | None, str, str | None, str]] = set()
    owned = {row.links.people for row in draft.catalogue} - {row.code for row in draft.catalogue if row.links.activity}
    for at, record in draft.rows:
        indicator = draft.catalogue[record.indicator]
        limit = indicator.usual_max.get(draft.level)
        if limit is not None and record.value > limit:
            draft.asks.append(Ask("outlier", {"indicator": record.indicator, "value": record.value}))
        if draft.level in indicator.ask and not record.cumulative and not _is_told_new(draft, record):
            draft.asks.append(Ask(indicator.ask[draft.level], {"indicator": record.indicator}))
        if indicator.needs and not _has_needed(draft, at, indicator):
            draft.asks.append(Ask("new_or_total", {"indicator": record.indicator}))
        where = record.place or line_head(draft, at)
        key = (record.indicator, record.date, record.unit, where, repr(sorted(record.by.items(), key=str)))
        several = record.derived or at in draft.multiplied or record.indicator in owned
        if key in seen and not several:
            draft.asks.append(Ask("same_twice", {"indicator": record.indicator}))
        seen.add(key)
