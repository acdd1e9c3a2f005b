"""The catalogue of indicators: what may be reported, in which words, and how much of it is usual.

Built from an already parsed mapping (`content/indicators.yaml`); every mistake in it is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from figures.catalogue_checks import Checks
from figures.phrases import NO_UNIT, NUMBER, ONE, Trie, build_trie, split
from vietnamese.fold import fold

KINDS = frozenset({"flow", "stock", "money", "ratio", "boolean"})
PERIODS = frozenset({"day", "week", "month", "quarter", "half_year", "year", "term"})
CONFIDENCES = frozenset({"high", "medium", "low"})
_JOINED_LETTERS = 5
Words = Mapping[str, Mapping[str, tuple[str, ...]]]


class CatalogueError(Exception):
    """The catalogue of indicators has mistakes."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Aggregation:
    """How values combine over units (sum, recompute, count_true …) and over time (sum, latest …)."""

    units: str
    time: str


@dataclass(frozen=True, slots=True)
class Links:
    """Which indicators take what is said beside this one: its people, money, a monthly promise, the n of "k of n".

    `activity` names the indicator that counts one where this one has a value ("60 chị dự" is also one activity).
    """

    people: str | None = None
    money: str | None = None
    monthly: str | None = None
    of: str | None = None
    activity: str | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure that may be reported. `names` is language → name; money is whole đồng.

    `words` name it in a message, `one` are phrases that mean one of it where no number stands ("ra mắt tổ"), `by` is
    dimension → value → words (`by_folded` without accents), `accepts` further units of measure, `usual_max` level →
    highest usual value, `ask` level → a question to ask whenever it is reported from there. `alone` are words that name
    it only where nothing else in their clause does; one of `needs` must stand in its sentence, else it is asked;
    `carried` are verbs that name it for a later count of its unit ("duy trì 2 tổ, 3 CLB"); `named` tells that a person
    named beside the words is one ("kết nạp chị Lan"); people at an activity where one of `taught` and one of
    `learners` is said are counted as this; `usual_each` is what one usually costs in đồng, `from` and `to`.
    """

    code: str
    names: Mapping[str, str]
    group: str
    unit: str
    kind: str
    stock: bool
    aggregation: Aggregation
    period: str
    level: str
    confidence: str
    words: tuple[str, ...] = ()
    one: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    taught: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()
    named: bool = False
    usual_each: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    disaggregation: tuple[str, ...] = ()
    usual_max: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    by: Words = field(default_factory=lambda: MappingProxyType({}))
    by_folded: Words = field(default_factory=lambda: MappingProxyType({}))
    accepts: tuple[str, ...] = ()
    links: Links = field(default_factory=Links)
    ask: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    numerator: str | None = None
    denominator: str | None = None
    threshold: int | None = None
    sensitive: bool = False
    restricted: bool = False
    source: str | None = None
    note: str | None = None

    def name(self, language: str) -> str:
        """Return its name in `language`, in Vietnamese where that is missing."""
        return self.names.get(language) or self.names["vi"]


@dataclass(frozen=True, slots=True)
class UnitOfMeasure:
    """What is counted: `words` stand after a number, `multiples` are larger units in terms of this one (km of m)."""

    code: str
    names: Mapping[str, str]
    words: tuple[str, ...]
    multiples: Mapping[str, int]

    def name(self, language: str) -> str:
        """Return its name in `language`, in Vietnamese where that is missing."""
        return self.names.get(language) or self.names["vi"]


@dataclass(frozen=True, slots=True)
class Target:
    """A target as its source states it; `status` placeholder or a low confidence means "chưa xác nhận"."""

    code: str
    indicator: str | None
    confidence: str
    source: str | None
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Matchers made once from the words of the catalogue.

    `numbered` holds the indicators' phrases with digits in them, `words` the others, `fixed` what holds a number that
    is no value; `cues` are small words that change what a number means, `parts` name the parts of a breakdown.
    `joined` holds two words of a phrase typed as one with the place where they part ("hoivien": 3).
    `known` are the words of the indicators.
    A code ending in "!" marks a phrase that means one where no number stands; `alone` those that name something only
    where nothing else does. `place_words` begin the name of a place; `reporting_units` are units of measure that report
    rather than are reported, of `small_units` nobody counts thousands.
    """

    fixed: Trie
    numbered: Trie
    words: Trie
    cues: Trie
    units: Trie
    counted: frozenset[str]
    fillers: frozenset[str]
    joined: Mapping[str, int]
    known: frozenset[str]
    not_counted: Trie
    parts: Trie
    alone: Trie
    place_words: frozenset[str]
    reporting_units: frozenset[str]
    small_units: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All indicators by code, with the units of measure, targets, and what reading a message needs.

    `default_periods` is sender level → kind of period a message without a date speaks of (a day where missing);
    `partitions` are sets of parts (kinh and dtts) that make the whole where more than one is told; `carried` indicators
    may be named by a verb further before, `wholes` are the n of "k of n" that have words of their own beside the k.
    """

    indicators: Mapping[str, Indicator]
    units: Mapping[str, UnitOfMeasure]
    targets: tuple[Target, ...]
    sources: Mapping[str, str]
    levels: tuple[str, ...]
    default_periods: Mapping[str, str]
    vocabulary: Vocabulary
    partitions: tuple[frozenset[str], ...] = ()
    carried: tuple[Indicator, ...] = ()
    taught: tuple[Indicator, ...] = ()
    wholes: frozenset[str] = frozenset()

    def __getitem__(self, code: str) -> Indicator:
        """Return an indicator; `KeyError` if there is none of that code."""
        return self.indicators[code]

    def __contains__(self, code: object) -> bool:
        """Tell whether there is an indicator of that code."""
        return code in self.indicators

    def __iter__(self) -> Iterator[Indicator]:
        """Yield the indicators in the order of the file."""
        return iter(self.indicators.values())

    def __len__(self) -> int:
        """Return how many indicators there are."""
        return len(self.indicators)


def load(content: Mapping[str, object]) -> Catalogue:
    """Build the catalogue from the parsed `indicators.yaml`; `CatalogueError` lists every mistake with its place."""
    checks = Checks()
    levels = checks.strings(content, "levels", "levels")
    units = {code: _unit(code, row, checks) for code, row in checks.rows(content, "units_of_measure")}
    indicators = {}
    for row in checks.row_list(content, "indicators"):
        indicator = _indicator(row, checks)
        if indicator.code in indicators:
            checks.add(f"indicators.{indicator.code}", "stands twice")
        indicators[indicator.code] = indicator
    targets = tuple(_target(row, checks) for row in checks.row_list(content, "targets"))
    _check_references(indicators, units, targets, levels, checks=checks)
    vocabulary = _vocabulary(indicators, units, content, checks)
    default_periods = checks.text_map(content, "default_periods", "default_periods")
    sources = checks.text_map(content, "sources", "sources")
    if checks.problems:
        raise CatalogueError(checks.problems)
    return Catalogue(
        indicators=MappingProxyType(indicators),
        units=MappingProxyType(units),
        targets=targets,
        sources=MappingProxyType(sources),
        levels=levels,
        default_periods=MappingProxyType(default_periods),
        vocabulary=vocabulary,
        partitions=tuple(map(frozenset, checks.string_lists(content, "partitions"))),
        carried=tuple(row for row in indicators.values() if row.carried),
        taught=tuple(row for row in indicators.values() if row.taught),
        wholes=frozenset(row.links.of for row in indicators.values() if row.links.of and row.kind == "stock"),
    )


def _unit(code: str, row: Mapping[str, object], checks: Checks) -> UnitOfMeasure:
    place = f"units_of_measure.{code}"
    names = {"vi": checks.text(row, "vi", place), "en": checks.text(row, "en", place)}
    multiples = checks.numbers(row, "multiples", place)
    return UnitOfMeasure(
        code, MappingProxyType(names), checks.strings(row, "words", place), MappingProxyType(multiples)
    )


def _indicator(row: Mapping[str, object], checks: Checks) -> Indicator:
    code = checks.text(row, "code", "indicators")
    place = f"indicators.{code}"
    checks.known_keys(row, _INDICATOR_KEYS, place)
    aggregation = checks.text_map(row, "aggregation", place)
    links = checks.text_map(row, "links", place)
    if not set(links) <= set(Links.__slots__):
        checks.add(f"{place}.links", "has an unknown key")
        links = {}
    by = checks.word_table(row, "by", place)
    return Indicator(
        code=code,
        names=MappingProxyType({"vi": checks.text(row, "name_vi", place), "en": checks.text(row, "name_en", place)}),
        group=checks.text(row, "group", place),
        unit=checks.text(row, "unit", place),
        kind=checks.one_of(row, "kind", KINDS, place),
        stock=row.get("kind") == "stock" or row.get("stock") is True,
        aggregation=Aggregation(aggregation.get("units", ""), aggregation.get("time", "")),
        period=checks.one_of(row, "period", PERIODS, place),
        level=checks.text(row, "level", place),
        confidence=checks.one_of(row, "confidence", CONFIDENCES, place),
        words=checks.strings(row, "words", place),
        one=checks.strings(row, "one", place, optional=True),
        alone=checks.strings(row, "alone", place, optional=True),
        needs=tuple(map(fold, checks.strings(row, "needs", place, optional=True))),
        carried=tuple(map(fold, checks.strings(row, "carried", place, optional=True))),
        taught=tuple(map(fold, checks.strings(row, "taught", place, optional=True))),
        learners=tuple(map(fold, checks.strings(row, "learners", place, optional=True))),
        named=row.get("named") is True,
        usual_each=MappingProxyType(checks.numbers(row, "usual_each", place)),
        disaggregation=checks.strings(row, "disaggregation", place, optional=True),
        usual_max=MappingProxyType(checks.numbers(row, "usual_max", place)),
        by=by,
        by_folded=MappingProxyType({dimension: _folded(values) for dimension, values in by.items()}),
        accepts=checks.strings(row, "accepts", place, optional=True),
        links=Links(**links),
        ask=MappingProxyType(checks.text_map(row, "ask", place)),
        numerator=checks.optional_text(row, "numerator", place),
        denominator=checks.optional_text(row, "denominator", place),
        threshold=checks.optional_number(row, "threshold", place),
        sensitive=row.get("sensitive") is True,
        restricted=row.get("restricted") is True,
        source=checks.optional_text(row, "source", place),
        note=checks.optional_text(row, "note", place),
    )


_INDICATOR_KEYS = frozenset(Indicator.__slots__) - {"names", "by_folded"} | {"name_vi", "name_en"}


def _folded(values: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({value: tuple(fold(word) for word in words) for value, words in values.items()})


def _target(row: Mapping[str, object], checks: Checks) -> Target:
    code = checks.text(row, "code", "targets")
    place = f"targets.{code}"
    details = {key: value for key, value in row.items() if key not in {"code", "indicator", "confidence", "source"}}
    return Target(
        code,
        checks.optional_text(row, "indicator", place),
        checks.one_of(row, "confidence", CONFIDENCES, place),
        checks.optional_text(row, "source", place),
        MappingProxyType(details),
    )


def _check_references(
    indicators: Mapping[str, Indicator],
    units: Mapping[str, UnitOfMeasure],
    targets: tuple[Target, ...],
    levels: tuple[str, ...],
    *,
    checks: Checks,
) -> None:
    for indicator in indicators.values():
        place = f"indicators.{indicator.code}"
        for unit in (indicator.unit, *indicator.accepts):
            checks.known(unit, units, f"{place}.unit")
        for level in (indicator.level, *indicator.usual_max, *indicator.ask):
            checks.known(level, levels, f"{place}.level")
        for linked in (getattr(indicator.links, name) for name in Links.__slots__):
            checks.known(linked, indicators, f"{place}.links")
        if set(indicator.usual_max) != set(levels) and indicator.kind not in {"ratio", "boolean"}:
            checks.add(f"{place}.usual_max", "needs every level")
    for target in targets:
        checks.known(target.indicator, indicators, f"targets.{target.code}.indicator")


def _vocabulary(
    indicators: Mapping[str, Indicator],
    units: Mapping[str, UnitOfMeasure],
    content: Mapping[str, object],
    checks: Checks,
) -> Vocabulary:
    phrases = [(word, indicator.code) for indicator in indicators.values() for word in indicator.words]
    phrases += [(word, NO_UNIT) for word in checks.strings(content, "not_words", "not_words", optional=True)]
    phrases += [(word, indicator.code + ONE) for indicator in indicators.values() for word in indicator.one]
    with_digits = [pair for pair in phrases if any(letter.isdigit() or letter == NUMBER for letter in pair[0])]
    unit_words = [(word, unit.code) for unit in units.values() for word in unit.words]
    unit_words += [(word, f"{unit.code}*{size}") for unit in units.values() for word, size in unit.multiples.items()]
    unit_words += [(word, NO_UNIT) for word in checks.strings(content, "not_units", "not_units", optional=True)]
    fixed = checks.strings(content, "fixed_phrases", "fixed_phrases", optional=True)
    return Vocabulary(
        fixed=build_trie((phrase, "") for phrase in fixed),
        numbered=build_trie(with_digits),
        words=build_trie(pair for pair in phrases if pair not in with_digits),
        cues=build_trie(_named(checks.word_lists(content, "cues", "cues"))),
        units=build_trie(unit_words),
        counted=frozenset(split(word)[0] for word, code in unit_words if code != NO_UNIT),
        joined=_joined(word for word, _ in phrases),
        known=frozenset(token for word, _ in phrases for token in split(word)),
        fillers=_folded_words(content, "fillers", checks),
        not_counted=build_trie((word, "") for word in checks.strings(content, "not_counted", "not_counted")),
        alone=build_trie((word, row.code) for row in indicators.values() for word in row.alone),
        place_words=frozenset(
            split(word)[0] for word in checks.strings(content, "place_words", "place_words", optional=True)
        ),
        reporting_units=frozenset(checks.strings(content, "reporting_units", "reporting_units", optional=True)),
        small_units=frozenset(checks.strings(content, "small_units", "small_units", optional=True)),
        parts=build_trie(
            (word, f"{name}.{value}")
            for name, values in checks.word_table(content, "parts", "parts").items()
            for value, words in values.items()
            for word in words
        ),
    )


def _joined(phrases: Iterable[str]) -> Mapping[str, int]:
    """Return pairs of neighbouring words written together, where that is no word itself."""
    rows = [split(phrase) for phrase in phrases]
    words = {token for row in rows for token in row}
    pairs = {
        (a, b) for row in rows for a, b in pairwise(row) if a.isalpha() and b.isalpha() and min(len(a), len(b)) > 1
    }
    return MappingProxyType({a + b: len(a) for a, b in pairs if len(a + b) >= _JOINED_LETTERS and a + b not in words})


def _named(lists: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(word, name) for name, words in lists.items() for word in words]


def _folded_words(content: Mapping[str, object], key: str, checks: Checks) -> frozenset[str]:
    return frozenset(fold(word) for word in checks.strings(content, key, key, optional=True))
