"""The demonstration: the article's figures as they stand there, people to play, and something to decide on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from bot.config import Config
from bot.demo import ADDRESS, PLAYED_ON, personas
from bot.start import open_installation
from handlers.content import Content
from handlers.context import VIETNAM
from storage import appointments, contacts, figures, installation, members, reports, targets, units
from storage.database import Connection, Database
from storage.figures import Span, Subject, Way
from tests.operations.conftest import NOW

TODAY = NOW.astimezone(VIETNAM).date()
CLUSTER = {
    "HH_5K3S_ACHIEVED": (13577, None),
    "HH_ESCAPED_POVERTY": (6704, None),
    "TREES_PLANTED": (600_000, "min"),
    "MEMBERS_NEW": (55949, None),
    "MEMBERS_HONORARY_NEW": (1042, None),
    "BASE_BELOW_60_CLEARED": (122, None),
    "BASE_BELOW_60_BASELINE": (281, None),
    "COOP_NEW": (44, None),
    "COOP_GROUP_NEW": (15, None),
    "LINK_GROUP_NEW": (17, None),
    "SUPPORT_VALUE_TOTAL": (25_000_000_000, "min"),
    "GODMOTHER_CHILDREN_NEW": (1209, None),
    "GODMOTHER_VALUE": (7_500_000_000, "min"),
    "SHELTER_HOUSES": (2, None),
    "SHELTER_VALUE": (100_000_000, None),
    "EMULATION_FLAG_NOMINEES": (4, None),
}


@pytest.fixture
async def db(demo: Config, content: Content) -> AsyncIterator[Database]:
    opened = await open_installation(demo, content, now=NOW)
    yield opened.db
    await opened.close()


def contact_of(db: Connection, slug: str) -> int:
    found = contacts.find_address(db, PLAYED_ON, ADDRESS.format(slug=slug))
    assert found is not None
    return found.contact_id


def unit_id(db: Connection, code: str) -> int:
    found = units.by_code(db, code, TODAY)
    assert found is not None
    return found.id


async def test_it_says_that_it_is_a_demonstration(db: Database) -> None:
    place = await db.read(installation.get)
    assert place.is_demo
    assert not place.hold


async def test_the_cluster_has_every_figure_of_the_article_with_its_qualifier(db: Database, content: Content) -> None:
    def cluster_totals(db: Connection) -> dict[str, tuple[object, str | None]]:
        group = db.exec_driver_sql("select id from peer_group where year = 2023").scalar_one()
        ways = {
            code: Way(content.catalogue[code].aggregation.units, content.catalogue[code].aggregation.time)
            for code in CLUSTER
        }
        span = Span(date(2023, 1, 1), date(2023, 12, 31))
        found = figures.totals(db, Subject(peer_group_id=group), span, ways)
        return {each.indicator: (each.value, next(iter(each.qualifiers), None)) for each in found}

    assert await db.read(cluster_totals) == CLUSTER


async def test_ratios_of_the_article_keep_both_numbers(db: Database) -> None:
    def ratios(db: Connection) -> dict[str, tuple[int, int]]:
        query = "select indicator, value / 1000, of_value / 1000 from figure where of_value is not null"
        return {row[0]: (row[1], row[2]) for row in db.exec_driver_sql(query)}

    assert await db.read(ratios) == {
        "TARGETS_MET": (8, 8),
        "BASE_BELOW_60_CLEARED": (122, 281),
        "EMULATION_FLAG_NOMINEES": (4, 10),
    }


async def test_the_house_keeps_its_total_and_its_parts_though_they_do_not_add_up(db: Database) -> None:
    def house(db: Connection) -> reports.Report:
        head = contact_of(db, "truong-lang-boi")
        return next(each for each in reports.of_author(db, head, most=50) if each.period == "2023-11-21")

    figure = next(each for each in (await db.read(house)).figures if each.indicator == "SHELTER_VALUE")
    assert figure.value == 130_000_000
    assert figure.breakdown == {"cum": 50_000_000, "hoi_huyen": 20_000_000, "gia_dinh": 50_000_000}


async def test_nobody_of_the_article_is_named(db: Database) -> None:
    def names(db: Connection) -> str:
        told = db.exec_driver_sql("select group_concat(source_text) from report").scalar_one()
        return f"{told} {db.exec_driver_sql('select group_concat(name) from contact').scalar_one()}"

    assert "Siu Ajuih" not in await db.read(names)


@pytest.mark.parametrize(
    ("slug", "role", "code"),
    [
        ("truong-lang-boi", "chi_hoi_truong", "CHI_HOI_LANG_BOI"),
        ("can-bo-xa", "can_bo_xa", "XA_CHU_PAH"),
        ("can-bo-tinh", "can_bo_tinh", "GIA_LAI"),
    ],
)
async def test_personas_hold_their_posts(db: Database, slug: str, role: str, code: str) -> None:
    def posts(db: Connection) -> list[tuple[str, int]]:
        contact = contact_of(db, slug)
        return [(post.role, post.unit_id) for post in appointments.of_contacts(db, [contact], TODAY)[contact]]

    assert await db.read(posts) == [(role, await db.read(unit_id, code))]


async def test_the_newcomer_is_nobody_yet(db: Database) -> None:
    def known(db: Connection) -> bool:
        contact = contact_of(db, "moi")
        return bool(appointments.of_contacts(db, [contact], TODAY) or members.units_of_contacts(db, [contact], TODAY))

    assert not await db.read(known)


def test_every_persona_has_a_label_in_every_language(config: Config) -> None:
    found = personas(config.content)
    assert [each.slug for each in found] == ["moi", "truong-lang-boi", "can-bo-xa", "can-bo-tinh"]
    assert all(set(each.label) == {"vi", "en"} for each in found)


async def test_the_commune_officer_finds_reports_to_decide_on(db: Database, content: Content) -> None:
    def waiting(db: Connection) -> int:
        return reports.count_waiting(db, contact_of(db, "can-bo-xa"), content.roles_that("approve"), TODAY)

    assert await db.read(waiting) == 2


async def test_results_of_this_year_show_something_at_every_level(db: Database) -> None:
    def trees(db: Connection, code: str) -> object:
        span = Span(date(TODAY.year, 1, 1), date(TODAY.year, 12, 31))
        subject = Subject(unit_id=unit_id(db, code), on=TODAY)
        return figures.totals(db, subject, span, {"TREES_PLANTED": Way("sum", "sum")})[0].value

    assert await db.read(trees, "CHI_HOI_LANG_BOI") == 120
    assert await db.read(trees, "XA_CHU_PAH") == 320
    assert await db.read(trees, "GIA_LAI") == 1820


async def test_what_the_old_commune_reported_counts_for_the_new_one(db: Database) -> None:
    def houses(db: Connection) -> object:
        span = Span(date(2023, 1, 1), date(2023, 12, 31))
        subject = Subject(unit_id=unit_id(db, "GIA_LAI"), on=TODAY)
        found = figures.totals(
            db, subject, span, {"SHELTER_VALUE": Way("sum", "sum"), "LINK_GROUP_NEW": Way("sum", "sum")}
        )
        return {each.indicator: each.value for each in found}

    assert await db.read(houses) == {"SHELTER_VALUE": 130_000_000, "LINK_GROUP_NEW": 1}


async def test_targets_say_whether_they_are_confirmed(db: Database) -> None:
    commune = await db.read(unit_id, "XA_CHU_PAH")

    def told(db: Connection) -> dict[str, bool]:
        return {code: each.confirmed for code, each in targets.of(db, str(TODAY.year), unit_id=commune).items()}

    assert await db.read(told) == {
        "HH_5K3S_ACHIEVED": True,
        "WORKS_DONE": True,
        "MEMBERS_NEW": False,
        "POLICY_MONITORED": False,
    }


@pytest.mark.parametrize("now", [datetime(2026, 1, 1, 1, tzinfo=UTC), datetime(2028, 2, 29, 23, tzinfo=UTC)])
async def test_it_is_made_on_any_day_and_never_in_the_future(config: Config, content: Content, now: datetime) -> None:
    opened = await open_installation(config, content, now=now)

    def latest(db: Connection) -> tuple[str, str]:
        row = db.exec_driver_sql("select max(created_at), max(decided_at) from report").one()
        return row[0], row[1]

    stamp = now.strftime("%Y-%m-%d %H:%M:%S.%f")
    assert max(await opened.db.read(latest)) <= stamp
    await opened.close()
