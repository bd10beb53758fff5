"""What the distribution declares and carries."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"graphc": "graphc", "graphc_ir": "ir/graphc_ir", "graphc_backends": "backends/graphc_backends"}

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
REQUIREMENTS = [Requirement(line) for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: str(requirement.name))
def test_requirement_is_a_lower_bound_that_is_met(requirement: Requirement) -> None:
    assert [clause.operator for clause in requirement.specifier] == [">="]
    assert requirement.specifier.contains(metadata.version(requirement.name))


def test_the_installed_version_is_that_of_the_project() -> None:
    assert metadata.version("graphc") == PROJECT["version"]


@pytest.mark.parametrize("folder", PACKAGES.values(), ids=PACKAGES.keys())
def test_each_package_is_typed(folder: str) -> None:
    assert (ROOT / folder / "py.typed").is_file()


def test_the_changelog_names_the_version() -> None:
    assert f"[{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_module_runs_as_a_command() -> None:
    run = subprocess.run([sys.executable, "-m", "graphc", "--version"], capture_output=True, text=True, check=True)
    assert PROJECT["version"] in run.stdout


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_the_wheel_carries_the_packages_and_nothing_else(wheel_files: set[str]) -> None:
    info = f"graphc-{PROJECT['version']}.dist-info"
    assert {name.split("/")[0] for name in wheel_files} == {*PACKAGES, info}
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= wheel_files


@pytest.mark.slow
def test_the_wheel_carries_every_source_and_data_file(wheel_files: set[str]) -> None:
    in_checkout = {
        str(path.relative_to((ROOT / folder).parent))
        for folder in PACKAGES.values()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"graphc/keras/datasets/digits.npz", *(f"{name}/py.typed" for name in PACKAGES)} <= in_checkout
    assert in_checkout == {name for name in wheel_files if ".dist-info/" not in name}
