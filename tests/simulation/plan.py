"""What one seed means: how large the world is, what people do, and what goes wrong when."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.simulation.platform import FATES, KIND, Mood

PEACE_S = 60.0
"""From here on nothing goes wrong any more, and everything must come to rest."""

MOST_COMMITS = 40

LONG, IN_PARTS = 10_000, 12
"""Limits of a message's text; with the second one most messages go in two or three parts."""

MISHAPS = {
    "talk": ("crash", "crash", "pause", "clock", "away", "stop", "repeat", "repeat", "numbers", "numbers"),
    "send": ("crash", "crash", "pause", "take over", "clock", "away", "stop", "steer"),
    "time": ("crash", "crash", "pause", "take over", "clock", "clock", "away", "stop", "steer"),
}
WAYS_IN = ("polling", "webhook")
CRON = ("*/20 * * * *", 1200.0)
"""A rule of many due times, and how many seconds lie between them."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Somebody says something at a moment. `what` is `note`, `stop` or `start`."""

    at: float
    person: int
    what: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule: when it is due (seconds), to which unit (its number), how late it may be."""

    due: float
    unit: int
    catch_up_s: int
    cron: bool = False
    sort: str = "broadcast"
    frozen: bool = False  # it was fired and its audience frozen before the run begins


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at a moment.

    `crash`, `pause`, `take over`, `clock`, `away`, `stop`, `repeat`, `numbers`, `steer`; `amount` is its length.
    """

    at: float
    kind: str
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run. `commits` maps the number of a commit to what befalls it.

    `press` is how likely a button is pressed, `dies_waiting` how likely a process dies after it was told to wait.
    """

    seed: int
    window: int
    rate_per_s: float | None
    text_limit: int
    way_in: str
    mood: Mood
    press: float
    dies_waiting: float
    speeches: tuple[Speech, ...]
    schedules: tuple[Planned, ...]
    faults: tuple[Fault, ...]
    commits: dict[int, str] = field(default_factory=dict)
    restart_s: tuple[float, ...] = ()


def draw(seed: int) -> Plan:
    """Return the plan of a seed."""
    random = Random(seed)
    kind = random.choice(("talk", "send", "send", "send", "time"))
    schedules = _schedules(random, kind)
    speeches, press = _speeches(random, kind), random.choice((0.0, 0.3))
    faults = _faults(random, kind, schedules)
    way_in, window = random.choice(WAYS_IN), random.choice((2, 3, 4))
    if way_in == "polling" and speeches and random.random() < 0.4:
        faults = (*faults, Fault(random.choice(speeches).at - 0.5, "numbers"))
    if any(fault.kind == "take over" for fault in faults):
        # Two processes may send side by side; turns belong to the one that holds the database.
        speeches, press = (), 0.0
    return Plan(
        seed=seed,
        window=window,
        # More than a window, so that nobody waits for a slot that comes free only when a lost answer is given up.
        rate_per_s=random.choice((None, window + 1.0, window + 2.0, window + 4.0)),
        text_limit=random.choice((LONG, LONG, IN_PARTS)) if not speeches else LONG,
        way_in=way_in,
        mood=_mood(random),
        press=press,
        dies_waiting=random.choice((0.0, 0.5)),
        speeches=speeches,
        schedules=schedules,
        faults=faults,
        commits=_commits(random),
        restart_s=tuple(_length(random, 0.05, 20.0) for _ in range(4)),
    )


def _mood(random: Random) -> Mood:
    unkind = random.choice((0.0, 0.1, 0.3, 0.5))
    if not unkind:
        return KIND
    return Mood(unkind, tuple(random.sample(FATES, random.randint(1, 4))))


def _speeches(random: Random, kind: str) -> tuple[Speech, ...]:
    count = random.randint(1, 3) if kind == "talk" else random.choice((0, 0, 1))
    people = [random.randint(2, 9) for _ in range(2)]
    what = ("note", "note", "receipt", "receipt", "stop", "start", "code")
    at = sorted(random.uniform(0, PEACE_S / 2) for _ in range(count))
    if kind == "send" and random.random() < 0.5:
        return tuple(Speech(random.uniform(0.0, 3.0), random.randint(2, 6), "stop") for _ in at)
    if random.random() < 0.3:
        at = [round(each / 8) * 8.0 for each in at]
    return tuple(Speech(each, random.choice(people), random.choice(what)) for each in at)


def _schedules(random: Random, kind: str) -> tuple[Planned, ...]:
    count = {"talk": random.choice((0, 0, 1)), "send": 1, "time": random.randint(1, 2)}[kind]
    sizes = {"talk": (0,), "send": (1, 2), "time": (0,)}[kind]
    found = []
    for _ in range(count):
        sort = "alert" if random.random() < 0.1 else "broadcast"
        cron = kind == "time" and random.random() < 0.15
        frozen = kind == "send" and random.random() < 0.6
        due = 0.0 if frozen else random.uniform(0.5, 20.0) if kind == "send" else random.uniform(0.5, PEACE_S)
        found.append(Planned(due, random.choice(sizes), random.choice((5, 60, 3600)), cron, sort, frozen))
    return tuple(found)


def _faults(random: Random, kind: str, schedules: tuple[Planned, ...]) -> tuple[Fault, ...]:
    found = []
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        what = random.choice(MISHAPS[kind])
        near = random.choice([each.due for each in schedules] or [10.0])
        at = random.uniform(0, PEACE_S) if random.random() < 0.5 else near + random.uniform(-2.0, 6.0)
        found.append(Fault(min(max(at, 0.0), PEACE_S - 1), what, _amount(random, what)))
    return tuple(sorted(found, key=lambda fault: fault.at))


def _amount(random: Random, kind: str) -> float:
    match kind:
        case "pause" | "take over":
            return _length(random, 0.5, 200.0)
        case "clock":
            return random.choice((-1, 1)) * _length(random, 0.5, 7200.0)
        case "away" | "crash":
            return _length(random, 0.2, 60.0)
        case _:
            return random.random()


def _length(random: Random, least: float, most: float) -> float:
    """Return a length whose logarithm is evenly spread."""
    return float(least * (most / least) ** random.random())


def _commits(random: Random) -> dict[int, str]:
    what = ("dies before", "dies after", "lost", "unknown")
    count = random.choice((0, 1, 1, 2))
    return {random.randint(1, MOST_COMMITS): random.choice(what) for _ in range(count)}
