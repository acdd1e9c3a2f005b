"""Do on order what a platform does on bad days: by number, by chance with a seed, for a time."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

BREAKS = ("reset", "cut", "garbage", "delay")
"""Faults of the line, the same on every platform."""


@dataclass(slots=True)
class Fault:
    """One order. It meets calls that carry a chat unless `methods` names others (`getUpdates`).

    Kinds everywhere: `reset` (the connection breaks, no answer), `cut` (half an answer), `garbage` (a proxy answers),
    `delay` (`delay_s`), `refuse` (`code`, `description`); each platform adds its own.

    `accepted`: the call takes effect first, then the answer goes wrong (`reset`, `cut`, `garbage`, `delay`, any
    refusal). `after` lets so many calls pass, `times` ends it after so many, `until` at a moment of the fake's clock.
    """

    kind: str
    id: int = 0
    methods: tuple[str, ...] = ()
    chat_id: int | None = None
    accepted: bool = False
    probability: float = 1.0
    seed: int = 0
    after: int = 0
    times: int | None = None
    until: float | None = None
    retry_after_s: int = 1
    whole_bot: bool = True
    delay_s: float = 0.0
    migrate_to: int = 0
    code: int = 400
    description: str = ""
    items: int = 1
    met: int = 0
    done: int = 0
    dice: random.Random = field(default_factory=random.Random)

    def meets(self, method: str, chat_id: int | None) -> bool:
        """Tell whether it strikes this call, and count it."""
        if self.methods:
            if method not in self.methods:
                return False
        elif chat_id is None:
            return False
        if self.chat_id is not None and chat_id != self.chat_id:
            return False
        self.met += 1
        if self.met <= self.after or (self.probability < 1 and self.dice.random() >= self.probability):
            return False
        self.done += 1
        return True

    def is_over(self, now: float) -> bool:
        return (self.times is not None and self.done >= self.times) or (self.until is not None and now >= self.until)


class Faults:
    """The orders in force, in the order they were given. `kinds` are those of the platform."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = kinds
        self._faults: list[Fault] = []
        self._last_id = 0

    def order(self, now: float, *, for_s: float | None = None, **fields: Any) -> Fault:
        """Put an order in force; `ValueError` where its kind is unknown."""
        if fields.get("kind") not in self._kinds:
            raise ValueError(f"no such fault: {fields.get('kind')}; there are {', '.join(self._kinds)}")
        self._last_id += 1
        fields["methods"] = tuple(fields.get("methods", ()))
        until = None if for_s is None else now + for_s
        fault = Fault(**fields, id=self._last_id, until=until, dice=random.Random(fields.get("seed", 0)))
        self._faults.append(fault)
        return fault

    def clear(self, ids: Iterable[int] | None = None) -> None:
        """Take orders back; all of them where none is named."""
        gone = set(ids) if ids is not None else {fault.id for fault in self._faults}
        self._faults = [fault for fault in self._faults if fault.id not in gone]

    def in_force(self) -> list[Fault]:
        return list(self._faults)

    def draw(self, method: str, chat_id: int | None, now: float) -> list[Fault]:
        """Return the faults that strike this call: all delays, and the first of the others."""
        if not self._faults:
            return []
        self._faults = [fault for fault in self._faults if not fault.is_over(now)]
        struck: list[Fault] = []
        for fault in self._faults:
            has_other = any(other.kind != "delay" for other in struck)
            if (fault.kind == "delay" or not has_other) and fault.meets(method, chat_id):
                struck.append(fault)
        return struck
