"""What a message is read as: the contract of `lantoa understand`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
_NONE: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to put before saving: a wording key with its values (codes and numbers, no sentences)."""

    key: str
    values: Mapping[str, str | int | float] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        """Return the key with its values, as in `outlier(indicator=TREES_PLANTED, value=600000)`."""
        inner = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{self.key}({inner})" if inner else self.key


@dataclass(frozen=True, slots=True)
class Record:
    """One figure read. `value` is whole đồng where the unit is vnd; `date` a day or period label, None where unclear.

    `span` holds the offsets in the original text, start and end (exclusive), of the words it came from.
    `qualifier` is min, max or approx; `of` the n of "k of n"; `by` its parts or which part it is; `derived` how it was
    computed.
    """

    indicator: str
    value: int | float
    unit: str
    date: str | None
    span: tuple[int, int]
    place: str | None = None
    by: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    of: int | float | None = None
    qualifier: str | None = None
    derived: str | None = None
    replaces: int | float | None = None
    cumulative: bool = False

    def as_json(self) -> dict[str, Json]:
        """Return the record with the keys of the contract; what was not said is left out."""
        row: dict[str, Json] = {"indicator": self.indicator, "value": self.value, "unit": self.unit, "date": self.date}
        said: dict[str, Json] = {"place": self.place, "by": {**self.by}, "of": self.of, "qualifier": self.qualifier}
        said |= {"derived": self.derived, "replaces": self.replaces, "cumulative": self.cumulative}
        row.update(
            {key: value for key, value in said.items() if value is not None and value is not False and value != {}}
        )
        return row


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message says.

    `intent`: report, correct, delete, query, nil_report, register_member, opinion, emergency or other.
    `asks` are the questions to put before saving, in order; `confirm` is true where something beyond the card is asked.
    `derived` holds ratios by indicator; `query`, `member`, `target`, `topic`, `period` belong to their intents.
    """

    intent: str
    records: tuple[Record, ...] = ()
    confirm: bool = False
    asks: tuple[Ask, ...] = ()
    derived: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    member: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    target: str | None = None
    topic: str | None = None
    period: str | None = None
    restricted: bool = False

    def as_json(self) -> dict[str, Json]:
        """Return the JSON object of the contract; `ask`, `derived`, `query` … only where they apply."""
        row: dict[str, Json] = {
            "intent": self.intent,
            "records": [record.as_json() for record in self.records],
            "confirm": self.confirm,
        }
        said: dict[str, Json] = {"ask": [str(ask) for ask in self.asks], "derived": {**self.derived}}
        said |= {"query": {**self.query}, "member": {**self.member}, "target": self.target, "topic": self.topic}
        said |= {"period": self.period, "restricted": self.restricted}
        row.update({key: value for key, value in said.items() if value})
        return row
