"""The content folder: the real one is right, and every mistake in a wrong one is named at once."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from bot.check import examine_content
from bot.config import Wrong
from bot.content import load_content
from bot.reading import Reading
from bot.unit_content import UnitsContent, load_units
from handlers.content import Content
from tests.operations.conftest import ROOT

LANGUAGES = ["vi", "en"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    return tmp_path / "content"


@pytest.fixture(scope="module")
def tree() -> UnitsContent:
    reading = Reading(ROOT / "content")
    found = load_units(reading)
    reading.finish()
    return found


def wrong(folder: Path) -> list[tuple[str, str]]:
    """Return (wording key, file or code) of every mistake."""
    with pytest.raises(Wrong) as caught:
        load_content(folder, LANGUAGES)
    return [
        (said.key, str(said.values.get("file", said.values.get("code", said.values.get("key")))))
        for said in caught.value.mistakes
    ]


def test_the_real_content_is_right_down_to_its_demonstration(content: Content) -> None:
    summary = examine_content(ROOT / "content", content)
    assert summary.values["indicators"] == 87
    assert summary.values["languages"] == "vi, en"


def test_each_role_has_its_abilities(content: Content) -> None:
    assert content.roles_that("admit") == {"chu_tich_xa", "pho_chu_tich_xa", "can_bo_xa"}
    assert "chi_hoi_truong" in content.roles_that("report")
    assert "can_bo_huyen" not in content.roles_that("approve")
    assert content.roles_that("invite") == {"chu_tich_tinh", "can_bo_tinh", "can_bo_trung_uong"}


def test_the_hotlines_of_violence_are_there(content: Content) -> None:
    numbers = {line.number for line in content.hotlines if "violence" in line.topics}
    assert {"1900 96 96 80", "111", "113", "115"} == numbers


def test_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    (folder / "roles.yaml").write_text("x: {levels: [], can: [fly]}", "utf-8")
    (folder / "hotlines.yaml").write_text("- {code: a, number: abc, topics: [x]}", "utf-8")
    (folder / "indicators.yaml").unlink()
    (folder / "units.yaml").write_text("levels: [", "utf-8")
    (folder / "locales" / "en.po").write_bytes(b"\xff\xfe")
    named = {name for _, name in wrong(folder)}
    assert named == {"roles.yaml", "hotlines.yaml", "indicators.yaml", "units.yaml", "locales/en.po"}


def test_codes_that_name_nothing_are_found(folder: Path) -> None:
    roles = yaml.safe_load((folder / "roles.yaml").read_text("utf-8"))
    roles["nguoi_la"] = {"levels": ["hanh_tinh"], "can": ["report"]}
    (folder / "roles.yaml").write_text(yaml.safe_dump(roles), "utf-8")
    types = yaml.safe_load((folder / "report_types.yaml").read_text("utf-8"))
    types[next(iter(types))]["questions"].append({"indicator": "NO_SUCH"})
    (folder / "report_types.yaml").write_text(yaml.safe_dump(types), "utf-8")
    assert sorted(key for key, _ in wrong(folder)) == [
        "content.no_indicator",
        "content.no_level",
        "content.no_words",
    ]


def test_a_language_without_a_file_is_found(folder: Path) -> None:
    with pytest.raises(Wrong):
        load_content(folder, ["vi", "fr"])


@pytest.mark.parametrize(
    "change",
    [
        {"parent": "NOWHERE"},
        {"level": "planet"},
        {"becomes": {"unit": "GIA_LAI", "how": "merge"}},
        {"from": date(2026, 1, 1), "to": date(2025, 1, 1)},
        {"code": "GIA_LAI"},
        {"colour": "red"},
    ],
)
def test_a_unit_that_does_not_fit_is_found(folder: Path, change: dict[str, object]) -> None:
    file = yaml.safe_load((folder / "units.yaml").read_text("utf-8"))
    file["units"].append({"code": "X", "level": "xa", "name": "n", "short_name": "n", "parent": "GIA_LAI"} | change)
    file["units"][-1]["code"] = change.get("code", "XX")
    (folder / "units.yaml").write_text(yaml.safe_dump(file, allow_unicode=True), "utf-8")
    assert {name for _, name in wrong(folder)} == {"units.yaml"}


def test_the_thirteen_provinces_became_six(tree: UnitsContent) -> None:
    top = [unit for unit in tree.units if unit.places[0].parent == "TRUNG_UONG"]
    before = [unit for unit in top if unit.places[0].valid_to == date(2025, 6, 30)]
    after = {unit.code for unit in top if unit.places[0].valid_from == date(2025, 7, 1)}
    assert len(before) == 13
    assert len(after) == 6
    assert {heir.unit for unit in before for heir in unit.successors} == after


def test_the_fourteen_communes_of_chu_pah_became_five(tree: UnitsContent) -> None:
    before = [unit for unit in tree.units if unit.places[0].parent == "HUYEN_CHU_PAH"]
    assert len(before) == 14
    assert {heir.unit for unit in before for heir in unit.successors} == {
        "XA_BIEN_HO",
        "XA_CHU_PAH",
        "XA_IA_KHUOL",
        "XA_IA_LY",
        "XA_IA_PHI",
    }


def test_every_chapter_moved_with_its_commune(tree: UnitsContent) -> None:
    heirs = {unit.code: {heir.unit for heir in unit.successors} for unit in tree.units}
    moved = [unit for unit in tree.units if len(unit.places) == 2]
    assert len(moved) >= 10
    assert all(unit.places[1].parent in heirs[str(unit.places[0].parent)] for unit in moved)
    assert all(unit.places[0].valid_to == date(2025, 6, 30) for unit in moved)


def test_the_peer_groups_have_their_leaders(tree: UnitsContent) -> None:
    assert {(group.year, group.leader, group.deputy, len(group.members)) for group in tree.peer_groups} == {
        (2023, "GIA_LAI_OLD", "QUANG_NGAI_OLD", 10),
        (2024, "KHANH_HOA_OLD", "DAK_LAK_OLD", 10),
    }
