"""The catalogue as shipped is whole; a broken one is refused with every mistake at once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from figures.catalogue import Catalogue, CatalogueError, load


def test_all_indicators_are_there_with_both_languages_and_words(catalogue: Catalogue) -> None:
    assert len(catalogue) == 87
    for indicator in catalogue:
        assert indicator.name("vi") and indicator.name("en") != indicator.name("vi")
        assert indicator.words
        assert catalogue[indicator.code] is indicator


def test_every_count_has_a_usual_maximum_for_every_level_that_grows_with_it(catalogue: Catalogue) -> None:
    for indicator in catalogue:
        if indicator.kind not in {"ratio", "boolean"}:
            limits = [indicator.usual_max[level] for level in catalogue.levels]
            assert limits == sorted(limits), indicator.code


def test_units_of_measure_have_names_in_both_languages(catalogue: Catalogue) -> None:
    assert {"vnd", "nguoi", "ho", "percent"} <= set(catalogue.units)
    assert all(unit.name("vi") and unit.name("en") for unit in catalogue.units.values())
    assert catalogue.units["m"].multiples["km"] == 1000


def test_what_is_unconfirmed_stays_marked(catalogue: Catalogue) -> None:
    assert catalogue["DUES_COLLECTED"].confidence == "low"
    unconfirmed = {target.code for target in catalogue.targets if target.confidence == "low"}
    assert {"T_XIII_5", "T_XIII_6", "T_XIII_7", "T_XIII_8"} <= unconfirmed
    assert "T_XIII_4A" not in unconfirmed


def test_an_unknown_code_is_a_key_error(catalogue: Catalogue) -> None:
    assert "NO_SUCH" not in catalogue
    with pytest.raises(KeyError):
        catalogue["NO_SUCH"]


def test_every_mistake_is_told_at_once(content: dict[str, Any]) -> None:
    broken = copy.deepcopy(content)
    rows = broken["indicators"]
    rows[0]["unit"] = "parsec"
    rows[1]["kind"] = "sometimes"
    rows[2]["words"] = "cây"
    rows[3]["colour"] = "green"
    rows[4]["usual_max"] = {"to": -1}
    rows[5].pop("name_en")
    rows[6]["code"] = rows[7]["code"]
    rows[8]["links"] = {"of": "NO_SUCH"}
    broken["targets"][0]["indicator"] = "NO_SUCH"
    with pytest.raises(CatalogueError) as caught:
        load(broken)
    told = "\n".join(caught.value.problems)
    for word in (
        "parsec",
        "sometimes",
        ".words",
        "colour",
        "usual_max.to",
        "name_en",
        "stands twice",
        "NO_SUCH",
        "targets.",
    ):
        assert word in told


@pytest.mark.parametrize("content", [{}, {"indicators": 3}, {"indicators": [3], "units_of_measure": []}])
def test_nonsense_is_refused_without_another_error(content: dict[str, object]) -> None:
    with pytest.raises(CatalogueError):
        load(content)
