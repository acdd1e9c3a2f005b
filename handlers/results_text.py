"""Put results in words and in the texts of a chart. A few victims are never counted out (`design.md` §9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dialogue.messages import Json, Phrase, Picture, Say
from dialogue.text import listed
from figures.rollup import combined
from figures.targets import Target, achieved_percent
from handlers.context import Context
from handlers.figures_text import Words, amount, period_of, qualified
from handlers.results_facts import Found
from storage.figures import Coverage, Stated, Sum

PAGE = 10
FEW = 5
"""Below this a count of sensitive cases could point at a person."""

NAMES_SHOWN = 5

Number = int | Decimal


@dataclass(frozen=True, slots=True)
class Shown:
    """Results and who reads them."""

    context: Context
    name: str
    period: str
    found: Found


@dataclass(frozen=True, slots=True)
class Row:
    """One indicator's result: value None where it is hidden or only waiting; `waiting` is not in it."""

    indicator: str
    item: str
    shown: Phrase
    value: Number | None
    target: Target | None = None
    waiting: Phrase = None


def page(shown: Shown, *, skip: int) -> tuple[tuple[Phrase, ...], int | None]:
    """Return the text of a page of results and where the next one begins, None on the last."""
    rows = rows_of(shown)
    head = Say("results.head", {"name": shown.name, "period": period_of(shown.period)})
    if not rows:
        return (head, Say("results.nothing"), *_who_reported(shown)), None
    lines = listed([_line(shown, row) for row in rows[skip : skip + PAGE]])
    if skip + PAGE < len(rows):
        return (head, lines), skip + PAGE
    return (head, lines, *_who_reported(shown)), None


def rows_of(shown: Shown) -> list[Row]:
    """Return the results, those with a target first, then in the order of the catalogue."""
    found = shown.found
    order = {code: place for place, code in enumerate(shown.context.content.catalogue.indicators)}
    targets = {target.indicator: target for target in found.targets}
    rows = [*_sums(shown, targets), *_percentages(shown, targets), *(_stated(shown, each) for each in found.stated)]
    return sorted(rows, key=lambda row: (row.target is None, order.get(row.indicator, len(order)), row.item))


def _sums(shown: Shown, targets: Mapping[str, Target]) -> list[Row]:
    waiting = {(each.indicator, each.series): each for each in shown.found.waiting}
    rows = []
    for each in shown.found.approved:
        late = waiting.pop((each.indicator, each.series), None)
        value = None if _is_few(shown, each) else each.value
        told = _value(shown, each)
        still = _value(shown, late) if late is not None else None
        rows.append(Row(each.indicator, each.series, told, value, targets.get(each.indicator), still))
    only_waiting = (
        Row(each.indicator, each.series, Say("results.none_approved"), None, None, _value(shown, each))
        for each in waiting.values()
    )
    return [*rows, *only_waiting]


def _value(shown: Shown, total: Sum) -> Phrase:
    words = _words(shown)
    if _is_few(shown, total):
        return Say("results.few", {"limit": FEW})
    phrase = qualified(amount(total.value, total.unit_of_measure, words), combined(total.qualifiers))
    phrase = Say("figure.cumulative", {"value": phrase}) if total.cumulative else phrase
    return phrase if total.of is None else _share(phrase, total.value, total.of)


def _share(phrase: Phrase, value: Number, of: Number) -> Phrase:
    percent = achieved_percent(value, of)
    if percent is None:
        return Say("figure.of", {"value": phrase, "of": of})
    return Say("results.share", {"value": phrase, "of": of, "percent": percent})


def _is_few(shown: Shown, total: Sum) -> bool:
    return _is_sensitive(shown, total.indicator) and 0 < total.value < FEW


def _is_sensitive(shown: Shown, code: str) -> bool:
    known = shown.context.content.catalogue.indicators.get(code)
    return known is not None and known.sensitive


def _percentages(shown: Shown, targets: Mapping[str, Target]) -> list[Row]:
    few = {each.indicator for each in shown.found.approved if _is_few(shown, each)}
    rows = []
    for code, percent in shown.found.percentages:
        indicator = shown.context.content.catalogue[code]
        if few & {indicator.numerator, indicator.denominator}:
            continue
        value = percent.quantize(Decimal("0.01"))
        rows.append(Row(code, "", Say("figure.percent", {"value": value}), value, targets.get(code)))
    return rows


def _stated(shown: Shown, said: Stated) -> Row:
    phrase = qualified(amount(said.value, said.unit_of_measure, _words(shown)), said.qualifier)
    return Row(
        said.indicator, "", phrase if said.of is None else Say("figure.of", {"value": phrase, "of": said.of}), None
    )


def _words(shown: Shown) -> Words:
    return Words(shown.context.content, shown.context.language)


def _line(shown: Shown, row: Row) -> Phrase:
    line: Phrase = Say("results.line", {"name": _name(shown, row), "value": row.shown})
    if row.target is not None and row.value is not None:
        line = Say("results.with_target", {"line": line, "target": _against(shown, row.value, row.target)})
    return Say("results.with_waiting", {"line": line, "waiting": row.waiting}) if row.waiting is not None else line


def _name(shown: Shown, row: Row) -> Phrase:
    words = _words(shown)
    name = words.indicator(row.indicator)
    if not row.item:
        return name
    item = row.item.rpartition("=")[2]
    return Say("results.item", {"name": name, "item": words.part(row.indicator, _dimension(row.item), item)})


def _dimension(series: str) -> str:
    return series.rpartition("=")[0].rpartition(" ")[2]


def _against(shown: Shown, value: Number, target: Target) -> Phrase:
    indicator = shown.context.content.catalogue.indicators.get(target.indicator)
    aim = amount(target.value, indicator.unit if indicator else "", _words(shown))
    percent = achieved_percent(value, target.value)
    told: Phrase = Say("results.target", {"percent": percent, "target": aim}) if percent is not None else aim
    return told if target.confirmed else Say("results.unconfirmed", {"target": told})


def _who_reported(shown: Shown) -> list[Phrase]:
    notes: list[Phrase] = []
    if shown.found.coverage is not None:
        notes.append(_coverage(shown.found.coverage))
    if shown.found.outside:
        notes.append(Say("results.outside", {"count": shown.found.outside}))
    return notes


def _coverage(coverage: Coverage) -> Phrase:
    told: dict[str, Phrase] = {
        "reported": coverage.reported + coverage.nothing_to_report,
        "expected": coverage.expected,
        "nothing": coverage.nothing_to_report,
        "missing": len(coverage.missing),
    }
    named: Sequence[str] = coverage.missing[:NAMES_SHOWN]
    counted = Say("results.coverage", told)
    if not named:
        return counted
    key = "results.missing" if len(named) == len(coverage.missing) else "results.missing_some"
    return listed([counted, Say(key, {"names": ", ".join(named)})])


def chart(shown: Shown, *, skip: int) -> Picture | None:
    """Return the page as a chart (`bot/picture_contract.py` tells its shape); None where no number may be drawn."""
    rows = [row for row in rows_of(shown)[skip : skip + PAGE] if row.value is not None]
    if not rows:
        return None
    title = Say("results.head_short", {"name": shown.name})
    description = Say("results.chart", {"name": shown.name, "period": period_of(shown.period)})
    spec: dict[str, Json] = {
        "kind": "targets",
        "title": _said(shown, title),
        "subtitle": _said(shown, period_of(shown.period)),
        "rows": [_chart_row(shown, row) for row in rows],
        "footer": _said(shown, Say("results.footer", {"at": shown.context.now})),
        "target_label": _said(shown, Say("results.target_label")) if any(row.target for row in rows) else "",
    }
    return Picture("chart", spec, description)


def _chart_row(shown: Shown, row: Row) -> dict[str, Any]:
    assert row.value is not None
    against = _against(shown, row.value, row.target) if row.target is not None else None
    return {
        "label": _said(shown, _name(shown, row)),
        "value": float(row.value),
        "shown": _said(shown, row.shown),
        "target": float(row.target.value) if row.target is not None else None,
        "note": _said(shown, against),
    }


def _said(shown: Shown, phrase: Phrase) -> str:
    return shown.context.content.wording.phrase(phrase, shown.context.language)
