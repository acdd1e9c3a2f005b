"""The card of a report: what will be sent, figure by figure, until she sends or drops it. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Lines, Phrase, Say
from dialogue.turn import Ask, Look
from handlers.context import Context
from handlers.figures_text import Record, Words, exact, label_of, line_of, period_of
from handlers.report_answers import numbered_choice, period_for, value_for, yes_no
from handlers.report_reading import said
from handlers.report_records import MOST_PHOTOS, added_photos, merged
from vietnamese.periods import month_label

CHANGE, DROP, DATE, PHOTO, DISCARD = "change", "drop", "date", "photo", "discard"
_SEND = "send"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Draft:
    """A report in the making. `corrects` is the code it will replace, at the version she saw."""

    unit_id: int
    unit_name: str
    level: str
    records: tuple[Record, ...]
    photos: tuple[str, ...] = ()
    text: str | None = None
    corrects: str | None = None
    version: int = 0


Script = Generator[Ask | Look, Any, Any]


def confirm(context: Context, draft: Draft) -> Script:
    """Yield the card until she sends it; return the draft as she sent it, None if she dropped it."""
    sure: tuple[Record, ...] = ()
    changes = 0
    while True:
        draft, sure = yield from _settle_unusual(context, draft, sure)
        choices = _choices(draft, changes)
        read = partial(_read, context=context, choices=choices)
        answer = yield Ask("report.card", card(context, draft), parse=read, choices=choices, confirm=True)
        if answer == DISCARD:
            return None
        if answer == _sending(changes):
            return draft
        draft = yield from _changed(context, draft, answer)
        changes += 1


def card(context: Context, draft: Draft) -> Mapping[str, Phrase]:
    """Return what the card says: the unit, each figure on a line, how many photos."""
    words = Words(context.content, context.language)
    lines: list[Phrase] = [line_of(record, words) for record in draft.records]
    if draft.photos:
        lines.append(Say("report.photos", {"count": len(draft.photos)}))
    if draft.corrects:
        lines.append(Say("report.corrects", {"code": draft.corrects}))
    return {"unit": draft.unit_name, "figures": Lines(tuple(lines))}


def _sending(changes: int) -> str:
    """Bound to what the card showed: the button of an earlier card sends nothing."""
    return f"{_SEND}-{changes}"


def _choices(draft: Draft, changes: int) -> tuple[Choice, ...]:
    several = len(draft.records) > 1
    return (
        Choice(_sending(changes), Say("report.send")),
        Choice(CHANGE, Say("report.change")),
        *((Choice(DROP, Say("report.drop")),) if several else ()),
        Choice(DATE, Say("report.change_date")),
        *((Choice(PHOTO, Say("report.add_photo")),) if len(draft.photos) < MOST_PHOTOS else ()),
        Choice(DISCARD, Say("report.discard")),
    )


def _read(inbound: Inbound, *, context: Context, choices: tuple[Choice, ...]) -> Any:
    """Read what she sends instead of pressing a button: photos, a phrase with figures, or the number of a choice."""
    chosen = numbered_choice(inbound, context, choices)
    if chosen is not None:
        return chosen
    records = [record for record in said(inbound.text, context)["records"] if record.get("date")]
    if not records and not inbound.attachments:
        raise Invalid("report.card_hint")
    return {"records": records, "photos": [each.sha256 for each in inbound.attachments]}


def _changed(context: Context, draft: Draft, answer: Any) -> Generator[Ask | Look, Any, Draft]:
    if isinstance(answer, Mapping):
        records = tuple(merged(draft.records, answer["records"]))
        return replace(draft, records=records, photos=tuple(added_photos(draft.photos, answer["photos"])))
    if answer == CHANGE:
        return (yield from _change_value(context, draft))
    if answer == DROP:
        place = yield from _which(context, draft, "report.which_drop")
        return replace(draft, records=draft.records[:place] + draft.records[place + 1 :])
    if answer == DATE:
        return (yield from _change_date(context, draft))
    photos = yield Ask("report.photo", parse=_photos, optional=True)
    return replace(draft, photos=tuple(added_photos(draft.photos, photos or ())))


def _photos(inbound: Inbound) -> list[str]:
    if not inbound.attachments:
        raise Invalid("answer.photo_wanted")
    return [each.sha256 for each in inbound.attachments]


def _which(context: Context, draft: Draft, key: str, *more: Choice) -> Generator[Ask, Any, Any]:
    if len(draft.records) == 1:
        return 0
    words = Words(context.content, context.language)
    choices = tuple(Choice(place, label_of(record, words)) for place, record in enumerate(draft.records))
    return (yield Ask(key, parse=None, choices=(*choices, *more)))


def _change_value(context: Context, draft: Draft) -> Generator[Ask, Any, Draft]:
    place = yield from _which(context, draft, "report.which_change")
    return (yield from _new_value(context, draft, place))


def _new_value(context: Context, draft: Draft, place: int) -> Generator[Ask, Any, Draft]:
    record = draft.records[place]
    indicator = context.content.catalogue[record["indicator"]]
    parse = partial(value_for, context=context, indicator=indicator)
    told = yield Ask("report.value", {"name": indicator.name(context.language)}, parse=parse)
    (changed,) = merged([record], [{**record, "qualifier": None, "of": None, "by": None, **told}])
    return replace(draft, records=(*draft.records[:place], changed, *draft.records[place + 1 :]))


def _change_date(context: Context, draft: Draft) -> Generator[Ask, Any, Draft]:
    several = len({record["date"] for record in draft.records}) > 1
    all_of_them = Choice(ALL, Say("report.all_figures"))
    place = (yield from _which(context, draft, "report.which_date", all_of_them)) if several else ALL
    label = yield from ask_date(context)
    records = tuple(
        {**record, "date": label} if place in {ALL, index} else record for index, record in enumerate(draft.records)
    )
    return replace(draft, records=records)


def ask_date(context: Context) -> Generator[Ask, Any, str]:
    """Yield the question for the day or period; return its label."""
    today = context.today
    months = (month_label(today.year, today.month), month_label(today.year, today.month - 1))
    choices = (
        Choice(today.isoformat(), Say("report.today")),
        Choice(today.fromordinal(today.toordinal() - 1).isoformat(), Say("report.yesterday")),
        *(Choice(label, period_label(label)) for label in months),
    )
    return str((yield Ask("report.date", parse=partial(period_for, context=context), choices=choices)))


def period_label(label: str) -> Say | str:
    """Return a period as the words of a button."""
    phrase = period_of(label)
    return phrase if isinstance(phrase, Say) else Say("period.day", {"day": phrase})


def _settle_unusual(
    context: Context, draft: Draft, sure: tuple[Record, ...]
) -> Generator[Ask | Look, Any, tuple[Draft, tuple[Record, ...]]]:
    """Ask about each value far above what is usual at her level, once for each value."""
    words = Words(context.content, context.language)
    for place in range(len(draft.records)):
        while _is_unusual(context, draft, place) and not _is_sure(draft.records[place], sure):
            asked = {"line": line_of(draft.records[place], words)}
            choices = yes_no(Say("report.sure_yes"), Say("report.change"))
            if (yield Ask("report.sure", asked, parse=None, choices=choices)) == "yes":
                sure = (*sure, draft.records[place])
            else:
                draft = yield from _new_value(context, draft, place)
    return draft, sure


def _is_unusual(context: Context, draft: Draft, place: int) -> bool:
    record = draft.records[place]
    usual = context.content.catalogue[record["indicator"]].usual_max.get(draft.level)
    return usual is not None and exact(record["value"]) > usual


def _is_sure(record: Record, sure: tuple[Record, ...]) -> bool:
    return any((record["indicator"], record["value"]) == (other["indicator"], other["value"]) for other in sure)
