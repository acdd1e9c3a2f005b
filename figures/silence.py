"""Find the clauses of a message that report nothing: plans, what was not done, last year's numbers."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from figures.phrases import NUMBER
from figures.scan import Quantity, Scan

_MOST_AREAS = 8
_RISES = frozenset({"tang", "giam", "hon", "vuot"})
_YEAR = len("2024")
_LAST_YEAR = re.compile(r"nam (?:ngoai|truoc|roi)")


@dataclass(frozen=True, slots=True)
class Silence:
    """The tokens of clauses that report nothing: surely, or only if a word typed bare is the one it looks like.

    `compared` are those that speak of another time than the figures.
    """

    sure: frozenset[int]
    unsure: frozenset[int]
    compared: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        """Return the tokens of both kinds."""
        return self.sure | self.unsure


def silence(found: Scan) -> Silence:
    """Return the clauses and sentences that speak of plans, of last year or of what is not done."""
    sure: list[range] = []
    compared: list[range] = []
    unsure: list[range] = []
    told_none = {quantity.at for quantity in found.quantities if is_said_none(found, quantity)}
    for first, last, name in found.cues:
        ranges = sure if is_sure(found, first, last) else unsure
        if name == "future":
            ranges.append(_until_done(found, first))
        elif name == "not_yet" and not _is_mentioned(found, first, last) and first not in told_none:
            ranges.append(clause_of(found, first))
        elif name == "before":
            ranges.append(_compared(found, first))
            compared.append(ranges[-1])
    for at, said in found.dates:
        if said.doubt == "future" and said.label is None:
            clause = clause_of(found, at)
            sure.append(clause if _quantities(found, clause) else _until_done(found, at))
        if said.label and len(said.label) == _YEAR and _LAST_YEAR.search(found.text.text[said.start : said.end]):
            sure.append(_compared(found, at))
            compared.append(sure[-1])
    surely = _tokens_in(sure)
    return Silence(surely, _tokens_in(unsure) - surely, _tokens_in(compared))


def _tokens_in(ranges: list[range]) -> frozenset[int]:
    """Return the tokens of ranges that may repeat each other a thousand times."""
    tokens: list[int] = []
    end = 0
    for one in sorted(ranges, key=lambda each: each.start):
        tokens.extend(range(max(end, one.start), one.stop))
        end = max(end, one.stop)
    return frozenset(tokens)


def _until_done(found: Scan, at: int) -> range:
    """Return the sentence of a plan up to the clause that tells what was done: "kế hoạch 200 cây, đã trồng 150"."""
    sentence = sentence_of(found, at)
    sentence = range(_begin_of_plan(found, at, sentence.start), sentence.stop)
    begin = bisect_left(found.cues, (at + 1, -1, ""))
    for first, _, name in found.cues[begin : begin + _MOST_AREAS]:
        if name == "done" and first < sentence.stop and found.weak[first] > found.weak[at]:
            return range(sentence.start, clause_of(found, first).start)
    for at_date, said in found.dates:
        if at < at_date < sentence.stop and said.doubt is None and found.weak[at_date] > found.weak[at]:
            return range(sentence.start, clause_of(found, at_date).start)
    return sentence


def _begin_of_plan(found: Scan, at: int, first: int) -> int:
    """Return where a plan begins: at its own clause, if it names things and what was done is counted before it."""
    clause = clause_of(found, at)
    if not (_quantities(found, clause) and _quantities(found, range(first, clause.start))):
        return first
    begin = bisect_left(found.cues, (first, -1, ""))
    before = found.cues[begin : bisect_left(found.cues, (clause.start, -1, ""))]
    done = any(name == "deed" for _, _, name in before[-_MOST_AREAS:])
    done = done or any(first <= mention.first < clause.start for mention in found.mentions)
    return clause.start if done else first


def _quantities(found: Scan, tokens: range) -> Sequence[Quantity]:
    """Return the numbers in a range of tokens."""
    begin = bisect_left(found.quantities, tokens.start, key=lambda one: one.at)
    return found.quantities[begin : bisect_left(found.quantities, tokens.stop, key=lambda one: one.at)]


def _compared(found: Scan, at: int) -> range:
    """Return what is only compared with: from the words on where this year's number stands before them.

    "kết nạp 12 hv, tăng 3 hv so với năm ngoái" and "12 hv so với năm ngoái 8" leave 12; "8 hv năm ngoái" leaves none.
    """
    clause = clause_of(found, at)
    before = [quantity for quantity in found.quantities if clause.start <= quantity.at < at]
    rise = next((i for i in range(at - 1, clause.start - 1, -1) if text_at(found, i) in _RISES), None)
    if rise is not None and any(quantity.at > rise for quantity in before):
        return range(rise, clause.stop)
    follows = any(at < quantity.at < clause.stop for quantity in found.quantities)
    compares = text_at(found, at) == "so" or text_at(found, at - 1) == "voi"
    return range(at if before and (follows or compares) else clause.start, clause.stop)


def sentence_of(found: Scan, at: int) -> range:
    first = bisect_left(found.strong, found.strong[at])
    return range(first, bisect_left(found.strong, found.strong[at] + 1))


def clause_of(found: Scan, at: int) -> range:
    sentence = sentence_of(found, at)
    first = bisect_left(found.weak, found.weak[at])
    last = bisect_left(found.weak, found.weak[at] + 1)
    return range(max(first, sentence.start), min(last, sentence.stop))


def cues_before(found: Scan, at: int) -> list[tuple[int, int, str]]:
    """Return the last few cues before token `at` that are not part of the words of an indicator."""
    end = bisect_left(found.cues, (at, -1, ""))
    near = found.cues[max(0, end - 4) : end]
    return [cue for cue in near if not _is_mentioned(found, cue[0], cue[1])]


def _is_mentioned(found: Scan, first: int, last: int) -> bool:
    before = bisect_left(found.mentions, first + 1, key=lambda mention: mention.first)
    return before > 0 and found.mentions[before - 1].last >= last


def is_said_none(found: Scan, quantity: Quantity) -> bool:
    """Tell whether a zero stands for words: "hv mới: không có"."""
    return quantity.number.value == 0 and found.tokens[quantity.at].text != NUMBER


def is_sure(found: Scan, first: int, last: int) -> bool:
    """Tell whether a cue can be no other word: several words, or one typed with accents or among such."""
    return last > first or bool(found.row.accents[first]) or found.accented[first]


def text_at(found: Scan, at: int) -> str:
    return found.tokens[at].text if 0 <= at < len(found.tokens) else ""
