"""Where a machine has no PostgreSQL its tests are left out and say so; where all is checked, that is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import postgresql


def test_missing_programs_fail_the_checks_and_are_a_skip_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception):
        postgresql.needed_programs(tmp_path)
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception):
        postgresql.needed_programs(tmp_path)


def test_the_newest_of_several_programs_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    for version in ("9.6", "15", "13"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "initdb").touch()
    assert postgresql.needed_programs(tmp_path) == tmp_path / "15" / "bin"
