"""Watch that the locks, the import contracts and the list of packages agree with each other."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.checks.source import PACKAGES, ROOT, sources

PIN = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,-]+\])?==([^ \\;]+)(.*)$", re.MULTILINE)
RUN_LOCK = "requirements.lock"
DEV_LOCK = "requirements-dev.lock"


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def pins(lock: str) -> dict[str, set[Version]]:
    """Return name → pinned versions; a name has several where Python versions need different ones."""
    found: dict[str, set[Version]] = {}
    for name, version, _ in PIN.findall((ROOT / lock).read_text("utf-8")):
        found.setdefault(name, set()).add(Version(version))
    return found


def missing(wanted: list[str], lock: str) -> list[str]:
    pinned = pins(lock)
    return [
        text
        for text in wanted
        for requirement in [Requirement(text)]
        for versions in [pinned.get(canonicalize_name(requirement.name), set())]
        if not versions or not all(version in requirement.specifier for version in versions)
    ]


def test_the_lock_of_a_run_holds_every_dependency() -> None:
    settings = project()
    assert missing([*settings["project"]["dependencies"], *settings["dependency-groups"]["build"]], RUN_LOCK) == []


def test_the_lock_of_development_holds_every_tool() -> None:
    tools = [tool for tool in project()["dependency-groups"]["dev"] if isinstance(tool, str)]
    assert missing(tools, DEV_LOCK) == []


def test_development_runs_on_the_versions_that_people_run() -> None:
    development = pins(DEV_LOCK)
    assert {name: versions for name, versions in pins(RUN_LOCK).items() if development.get(name) != versions} == {}


def test_every_pin_carries_hashes_and_no_address() -> None:
    for lock in (RUN_LOCK, DEV_LOCK):
        text = (ROOT / lock).read_text("utf-8")
        blocks = re.split(r"\n(?=[a-z0-9])", text)
        assert [block.partition("\n")[0] for block in blocks if "--hash=sha256:" not in block] == []
        assert "://" not in text


def test_every_dependency_has_an_upper_or_lower_bound() -> None:
    settings = project()
    wanted = [
        *settings["project"]["dependencies"],
        *filter(lambda item: isinstance(item, str), settings["dependency-groups"]["dev"]),
    ]
    assert [text for text in wanted if not Requirement(text).specifier] == []


def test_the_import_contracts_know_every_package() -> None:
    present = {source.package for source in sources(*PACKAGES)}
    assert present <= set(project()["tool"]["importlinter"]["root_packages"])
