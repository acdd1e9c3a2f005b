"""The card of a report: what will be sent, figure by figure, until she sends or drops it. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Lines, Phrase, Say
from dialogue.turn import Ask, Look
from handlers import report_phrases as phrases
from handlers.context import Context
from handlers.figures_text import Record, Words, label_of
from handlers.report_answers import agreed, number_in, numbered_choice, value_for, worded_choice
from handlers.report_dates import ask_date
from handlers.report_questions import put_together, settle
from handlers.report_quote import figure_lines
from handlers.report_records import MOST_PHOTOS, added_photos, merged, without_span
from handlers.report_unusual import settle_unusual

CHANGE, DROP, DATE, PHOTO, DISCARD = "change", "drop", "date", "photo", "discard"
_SEND = "send"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Draft:
    """A report in the making. `asks` are what its reading left open. `corrects` is the code it will replace, at the
    version she saw; `note` is the key of what else she should know of it."""

    unit_id: int
    unit_name: str
    level: str
    records: tuple[Record, ...]
    asks: tuple[Mapping[str, Any], ...] = ()
    photos: tuple[str, ...] = ()
    text: str | None = None
    corrects: str | None = None
    version: int = 0
    note: str | None = None


Script = Generator[Ask | Look, Any, Any]
Edit = Generator[Ask | Look, Any, Draft]


def confirm(context: Context, draft: Draft) -> Script:
    """Yield the card until she sends it; return the draft as she sent it, None if she dropped it."""
    sure: tuple[Record, ...] = ()
    changes = 0
    while True:
        records, sure = yield from settle_unusual(context, draft.records, draft.level, sure)
        draft = replace(draft, records=records)
        choices = _choices(draft, changes)
        read = partial(_read, context=context, records=draft.records, choices=choices)
        answer = yield Ask("report.card", card(context, draft), parse=read, choices=choices, confirm=True)
        if answer == DISCARD:
            return None
        if answer == _sending(changes):
            return draft
        draft = yield from _changed(context, draft, answer)
        changes += 1


def card(context: Context, draft: Draft) -> Mapping[str, Phrase]:
    """Return what the card says: the unit, each figure on a line, how many photos."""
    lines = figure_lines(context, draft.records)
    if draft.photos:
        lines.append(Say("report.photos", {"count": len(draft.photos)}))
    if draft.corrects:
        lines.append(Say("report.corrects", {"code": draft.corrects}))
    if draft.note:
        lines.append(Say(draft.note))
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


def _read(
    inbound: Inbound, *, context: Context, records: Sequence[Record], choices: tuple[Choice, ...]
) -> str | dict[str, Any]:
    """Read what she sends instead of pressing a button: the number of a choice, photos, a phrase."""
    chosen = numbered_choice(inbound, context, choices)
    if chosen is not None:
        return str(chosen)
    if phrases.says(inbound.text, context, "report.discard.words"):
        return DISCARD
    if phrases.says(inbound.text, context, "report.send.words"):
        return str(choices[0].value)
    if agreed(inbound.text, context):
        raise Invalid("report.send_hint")
    return phrases.at_card(inbound, context=context, records=records)


def _changed(context: Context, draft: Draft, answer: Any) -> Edit:
    if isinstance(answer, Mapping):
        draft = replace(draft, photos=tuple(added_photos(draft.photos, answer.get("photos") or ())))
        return (yield from _BY_PHRASE[answer.get("do", phrases.SAY)](context, draft, answer))
    if answer == CHANGE:
        return (yield from _at(context, draft, "report.which_change", partial(_new_value, context, draft)))
    if answer == DROP:
        return (yield from _drop(context, draft, {}))
    if answer == DATE:
        return (yield from _change_date(context, draft))
    photos = yield Ask("report.photo", parse=_photos, optional=True)
    return replace(draft, photos=tuple(added_photos(draft.photos, photos or ())))


def _say(context: Context, draft: Draft, answer: Mapping[str, Any]) -> Edit:
    """Put in what she told beside the card, what is unclear in it asked first."""
    told = answer["records"]
    if answer.get("asks"):
        told = yield from settle(context, answer)
    return replace(draft, records=tuple((yield from put_together(context, draft.records, {**answer, "records": told}))))


def _drop(context: Context, draft: Draft, answer: Mapping[str, Any]) -> Edit:
    def without(place: int) -> Edit:
        yield from ()
        return replace(draft, records=draft.records[:place] + draft.records[place + 1 :])

    return (yield from _at(context, draft, "report.which_drop", without, among=answer.get("among")))


def _move(_context: Context, draft: Draft, answer: Mapping[str, Any]) -> Edit:
    yield from ()
    among = answer["among"] or range(len(draft.records))
    records = (
        {**record, "date": answer["label"]} if place in among else record for place, record in enumerate(draft.records)
    )
    return replace(draft, records=tuple(records))


def _value(context: Context, draft: Draft, answer: Mapping[str, Any]) -> Edit:
    typed = answer["number"]
    then = partial(_new_value, context, draft, typed=typed)
    return (yield from _at(context, draft, "report.which_value", then, among=answer["among"], number=typed))


_BY_PHRASE = {phrases.SAY: _say, phrases.DROP: _drop, phrases.MOVE: _move, phrases.VALUE: _value}


def _photos(inbound: Inbound) -> list[str]:
    if not inbound.attachments:
        raise Invalid("answer.photo_wanted")
    return [each.sha256 for each in inbound.attachments]


def _at(
    context: Context,
    draft: Draft,
    key: str,
    then: Callable[[int], Edit],
    *,
    among: Sequence[int] | None = None,
    **values: Phrase,
) -> Edit:
    """Ask which line is meant, where several may be, and go on with it; with what she says instead, if she does."""
    place = yield from _which(context, draft, key, among=among, **values)
    if isinstance(place, Mapping):
        return (yield from _changed(context, draft, place))
    return (yield from then(place))


def _which(
    context: Context, draft: Draft, key: str, *more: Choice, among: Sequence[int] | None = None, **values: Phrase
) -> Generator[Ask, Any, Any]:
    places = [place for place in among or range(len(draft.records)) if place < len(draft.records)]
    if len(places) == 1:
        return places[0]
    words = Words(context.content, context.language)
    choices = (*(Choice(place, label_of(draft.records[place], words)) for place in places), *more)
    parse = partial(_place, context=context, records=draft.records, choices=choices)
    return (yield Ask(key, values, parse=parse, choices=choices))


def _place(inbound: Inbound, *, context: Context, records: Sequence[Record], choices: tuple[Choice, ...]) -> Any:
    """Read which line she means; another phrase about the card counts as if it was typed there."""
    chosen = worded_choice(inbound, context, choices, by_number=True)
    if chosen is not None:
        return chosen
    try:
        return phrases.at_card(inbound, context=context, records=records)
    except Invalid as wrong:
        raise (wrong if wrong.hint.key != "report.card_hint" else Invalid("turn.pick_one")) from None


def _new_value(context: Context, draft: Draft, place: int, *, typed: str | None = None) -> Edit:
    """Put a new value in the place of one: the number typed if it is such a value, else one that is asked for."""
    record = draft.records[place]
    indicator = context.content.catalogue[record["indicator"]]
    try:
        told = number_in(typed or "", context, indicator)
    except Invalid:
        parse = partial(value_for, context=context, indicator=indicator)
        told = yield Ask("report.value", {"name": indicator.name(context.language)}, parse=parse)
    (changed,) = merged([record], [{**without_span(record), "qualifier": None, "of": None, "by": None, **told}])
    return replace(draft, records=(*draft.records[:place], changed, *draft.records[place + 1 :]))


def _change_date(context: Context, draft: Draft) -> Edit:
    several = len({record["date"] for record in draft.records}) > 1
    all_of_them = Choice(ALL, Say("report.all_figures"))
    place = (yield from _which(context, draft, "report.which_date", all_of_them)) if several else ALL
    if isinstance(place, Mapping):
        return (yield from _changed(context, draft, place))
    label = yield from ask_date(context)
    return (yield from _move(context, draft, {"among": [] if place == ALL else [place], "label": label}))
