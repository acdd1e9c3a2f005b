"""Read values of a parsed mapping and collect what is wrong with them, with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Checks:
    """Collects mistakes as "place: what is wrong"; every reader returns an empty value where it found one."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def add(self, place: str, problem: str) -> None:
        """Note a mistake."""
        self.problems.append(f"{place}: {problem}")

    def text(self, row: Mapping[str, object], key: str, place: str) -> str:
        """Return a text that must be there."""
        value = row.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self.add(f"{place}.{key}", "must be a text")
        return ""

    def optional_text(self, row: Mapping[str, object], key: str, place: str) -> str | None:
        """Return a text, or None where it is missing."""
        return None if row.get(key) is None else self.text(row, key, place)

    def optional_number(self, row: Mapping[str, object], key: str, place: str) -> int | None:
        """Return a whole number, or None where it is missing."""
        value = row.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.add(f"{place}.{key}", "must be a whole number")
        return None

    def one_of(self, row: Mapping[str, object], key: str, allowed: Collection[str], place: str) -> str:
        """Return a text that is one of `allowed`."""
        value = self.text(row, key, place)
        if value and value not in allowed:
            self.add(f"{place}.{key}", f"is {value!r}, not one of {', '.join(sorted(allowed))}")
        return value

    def strings(self, row: Mapping[str, object], key: str, place: str, *, optional: bool = False) -> tuple[str, ...]:
        """Return a list of texts; a missing one is a mistake unless optional."""
        value = row.get(key)
        if value is None and optional:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value):
            return tuple(value)
        self.add(f"{place}.{key}", "must be a list of texts")
        return ()

    def numbers(self, row: Mapping[str, object], key: str, place: str) -> dict[str, int]:
        """Return a mapping of names to whole numbers, empty where it is missing."""
        found = {}
        for name, value in self._mapping(row, key, place).items():
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                found[name] = value
            else:
                self.add(f"{place}.{key}.{name}", "must be a whole number above 0")
        return found

    def text_map(self, row: Mapping[str, object], key: str, place: str) -> dict[str, str]:
        """Return a mapping of names to texts, empty where it is missing."""
        mapping = self._mapping(row, key, place)
        return {name: self.text(mapping, name, f"{place}.{key}") for name in mapping}

    def word_table(
        self, row: Mapping[str, object], key: str, place: str
    ) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Return name → value → words, empty where it is missing."""
        table = {}
        for name in (mapping := self._mapping(row, key, place)):
            values = self._mapping(mapping, name, f"{place}.{key}")
            table[name] = {value: self.strings(values, value, f"{place}.{key}.{name}") for value in values}
        return table

    def word_lists(self, row: Mapping[str, object], key: str, place: str) -> dict[str, tuple[str, ...]]:
        """Return name → words, empty where it is missing."""
        lists = self._mapping(row, key, place)
        return {name: self.strings(lists, name, f"{place}.{name}") for name in lists}

    def string_lists(self, content: Mapping[str, object], key: str) -> list[tuple[str, ...]]:
        """Return a list of lists of texts, empty where it is missing."""
        value = content.get(key)
        lists = value if isinstance(value, list) else []
        return [self.strings({key: entry}, key, f"{key}[{index}]") for index, entry in enumerate(lists)]

    def rows(self, content: Mapping[str, object], key: str) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Yield the name and mapping of each entry of a mapping of mappings."""
        table = self._mapping(content, key, key)
        if not table:
            self.add(key, "is missing")
        for name in table:
            yield name, self._mapping(table, name, key)

    def row_list(self, content: Mapping[str, object], key: str) -> Iterator[Mapping[str, object]]:
        """Yield each mapping of a list of mappings."""
        value = content.get(key)
        if not isinstance(value, list):
            self.add(key, "must be a list")
            return
        for index, row in enumerate(value):
            if isinstance(row, dict):
                yield row
            else:
                self.add(f"{key}[{index}]", "must be a mapping")

    def known(self, name: str | None, known: Collection[str], place: str) -> None:
        """Note `name` where it is not among the known ones; None is no mistake."""
        if name is not None and name not in known:
            self.add(place, f"{name!r} is not known")

    def known_keys(self, row: Mapping[str, object], known: Collection[str], place: str) -> None:
        """Note every key that nobody reads."""
        for key in row:
            if key not in known:
                self.add(f"{place}.{key}", "is an unknown key")

    def _mapping(self, row: Mapping[str, object], key: str, place: str) -> Mapping[str, object]:
        value = row.get(key, _NOTHING)
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
            return value
        self.add(f"{place}.{key}", "must be a mapping")
        return _NOTHING
