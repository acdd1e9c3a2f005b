"""A real installation and its invitations."""

from __future__ import annotations

from typing import Any

import pytest

from bot.config import Config, Wrong
from bot.setup import Invitation, Wanted, invite, refuse_if_there, set_up
from bot.start import open_installation
from handlers.content import Content
from storage import codes, contacts, installation, invitations, opening, units
from storage.database import Connection
from storage.opening import Refused
from tests.operations.conftest import NOW


@pytest.fixture
def real(config: Config, content: Content) -> Config:
    wanted = Wanted("GIA_LAI", "can_bo_tinh")
    set_up(config, content, controller="Hội LHPN tỉnh Gia Lai", wanted=wanted, now=NOW)
    return config


def refusal(config: Config, content: Content, unit: str, role: str) -> str:
    with pytest.raises(Wrong) as caught:
        invite(config, content, Wanted(unit, role), now=NOW)
    return caught.value.mistakes[0].key


async def test_a_real_installation_is_empty_but_for_the_units(real: Config, content: Content) -> None:
    opened = await open_installation(real, content, now=NOW)

    def facts(db: Connection) -> tuple[Any, ...]:
        count = [db.exec_driver_sql(f"select count(*) from {table}").scalar_one() for table in ("contact", "report")]
        return installation.get(db).kind, installation.get(db).controller, *count

    assert await opened.db.read(facts) == ("real", "Hội LHPN tỉnh Gia Lai", 0, 0)
    found = await opened.db.read(units.search, "làng bối", NOW.date())
    assert [unit.name for unit in found] == ["Chi hội làng Bối"]
    await opened.close()


async def test_the_first_officer_gets_in_by_her_invitation(config: Config, content: Content) -> None:
    made = set_up(config, content, controller="x", wanted=Wanted("tỉnh Gia Lai", "can_bo_tinh"), now=NOW)
    assert made.link == f"http://127.0.0.1:8080/#ma={made.code}"
    assert offered(config, made) == ("Hội LHPN tỉnh Gia Lai", "can_bo_tinh")


def offered(config: Config, made: Invitation) -> tuple[str | None, str | None]:
    with opening.beside(config.database.place) as db:
        who = contacts.create(db, at=NOW, language="vi")
        offer = invitations.offered(db, codes.code_digest(made.code), who, NOW, NOW.date())
    assert offer is not None
    return offer.unit_name, offer.role


async def test_a_second_set_up_changes_nothing(real: Config, content: Content) -> None:
    before = real.data.key_file.read_bytes()
    with pytest.raises(Refused, match="occupied"):
        refuse_if_there(real)
    with pytest.raises(Refused, match="occupied"):
        set_up(real, content, controller="y", wanted=Wanted("GIA_LAI", "can_bo_tinh"), now=NOW)
    assert real.data.key_file.read_bytes() == before


async def test_a_demonstration_is_not_turned_into_the_real_thing(demo: Config, content: Content) -> None:
    with pytest.raises(Refused, match="occupied"):
        set_up(demo, content, controller="y", wanted=Wanted("GIA_LAI", "can_bo_tinh"), now=NOW)


async def test_a_wrong_unit_leaves_nothing_behind(config: Config, content: Content) -> None:
    with pytest.raises(Wrong):
        set_up(config, content, controller="x", wanted=Wanted("sao Hỏa", "can_bo_tinh"), now=NOW)
    assert not config.database.path.exists()
    assert not config.data.key_file.exists()
    set_up(config, content, controller="x", wanted=Wanted("GIA_LAI", "can_bo_tinh"), now=NOW)


async def test_a_real_installation_may_be_public(real: Config, content: Content) -> None:
    web = real.web.model_copy(update={"host": "0.0.0.0"})
    public = real.model_copy(update={"web": web})
    await (await open_installation(public, content, now=NOW)).close()


async def test_an_officer_is_invited_while_it_runs(real: Config, content: Content) -> None:
    running = await open_installation(real, content, now=NOW)
    made = invite(real, content, Wanted("làng Bối", "chi_hoi_truong"), now=NOW)
    assert offered(real, made) == ("Chi hội làng Bối", "chi_hoi_truong")
    await running.close()


async def test_every_invitation_has_a_code_of_its_own(real: Config, content: Content) -> None:
    wanted = Wanted("làng Bối", "chi_hoi_truong")
    assert len({invite(real, content, wanted, now=NOW).code for _ in range(5)}) == 5


async def test_a_name_that_fits_one_unit_exactly_means_that_one(real: Config, content: Content) -> None:
    made = invite(real, content, Wanted("to dan pho 4", "chi_hoi_truong"), now=NOW)
    assert made.unit_name == "Chi hội tổ dân phố 4"


async def test_the_name_of_a_merged_unit_leads_to_the_one_of_today(real: Config, content: Content) -> None:
    assert invite(real, content, Wanted("Hòa Phú", "chu_tich_xa"), now=NOW).unit_name == "Hội LHPN xã Chư Păh"


@pytest.mark.parametrize(
    ("unit", "role", "key"),
    [
        ("làng Bối", "giám đốc", "invite.no_role"),
        ("làng Bối", "can_bo_tinh", "invite.wrong_level"),
        ("làng", "chi_hoi_truong", "invite.several_units"),
        ("làng Ma", "chi_hoi_truong", "invite.no_unit"),
    ],
)
async def test_a_wrong_wish_is_refused(real: Config, content: Content, unit: str, role: str, key: str) -> None:
    assert refusal(real, content, unit, role) == key


def test_the_picture_of_the_link_is_drawn_in_characters() -> None:
    drawn = Invitation("C", "http://127.0.0.1/#ma=C", "u", "r").picture()
    assert len(drawn.splitlines()) > 10
    assert set(drawn) & set("█▀▄")
