# SPDX-License-Identifier: Apache-2.0
"""Roles and playbooks as files: their variables are documented, and they call modules of this collection alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

REPOSITORY = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (REPOSITORY / "roles").iterdir())
#: Of ansible-core what runs on the control node and changes nothing on a host.
CORE = {"ansible.builtin.include_tasks", "ansible.builtin.import_tasks", "ansible.builtin.fail", "ansible.builtin.meta",
        "ansible.builtin.debug", "ansible.builtin.set_fact", "ansible.builtin.include_role"}
WORDS = {"name", "when", "tags", "register", "loop", "loop_control", "vars", "block", "always", "notify",
         "changed_when", "run_once"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def modules(tasks: list[dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    for task in tasks:
        found |= {key for key in task if key not in WORDS}
        for inner in ("block", "always"):
            found |= modules(task.get(inner, []))
    return found


def test_there_are_the_three_roles() -> None:
    assert ROLES == ["container_host", "image_cache", "test_host"]


@pytest.mark.parametrize("name", ROLES)
def test_each_variable_is_documented_with_its_default(name: str) -> None:
    role = REPOSITORY / "roles" / name
    defaults = read(role / "defaults/main.yml")
    options = read(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert {*defaults} == {*options}
    assert {key: options[key].get("default", "") for key in defaults} == defaults
    assert all(key.startswith(f"{name}_") for key in defaults)
    assert [key for key, option in options.items() if "password" in key and not option["description"]] == []


@pytest.mark.parametrize("name", ROLES)
def test_a_role_calls_only_modules_of_this_collection(name: str) -> None:
    files = [*(REPOSITORY / "roles" / name).glob("tasks/*.yml"), *(REPOSITORY / "roles" / name).glob("handlers/*.yml")]
    called = set().union(*(modules(read(path)) for path in files))
    ours = {f"wcow.containers.{path.stem}" for path in (REPOSITORY / "plugins/modules").iterdir()}
    assert called <= ours | CORE


@pytest.mark.parametrize("name", ROLES)
def test_the_readme_names_each_tag(name: str) -> None:
    role = REPOSITORY / "roles" / name
    text = "".join(path.read_text() for path in role.glob("tasks/*.yml"))
    tags = {tag.strip() for group in re.findall(r"tags: \[([^\]]+)\]", text) for tag in group.split(",")} - {"always"}
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert {tag for tag in tags if f"`{tag}`" not in readme} == set()


@pytest.mark.parametrize("path", sorted((REPOSITORY / "playbooks").glob("*.yml")), ids=lambda path: path.stem)
def test_a_playbook_says_how_it_is_run_and_calls_core_and_this_collection(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert f"wcow.containers.{path.stem}" in text
    for play in read(path):
        called = modules(play["tasks"])
        assert {one for one in called if not one.startswith("wcow.containers.")} <= CORE | {"ansible.builtin.raw"}
