# SPDX-License-Identifier: Apache-2.0
"""The documentation of the modules for hosts: examples use what is documented, and options are those of the scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

MODULES = Path(__file__).resolve().parents[3] / "plugins/modules"
DOCUMENTS = sorted(MODULES.glob("*.yml"))


def example_tasks(document: dict[str, Any]) -> list[dict[str, Any]]:
    return list(yaml.safe_load(document["EXAMPLES"]))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.stem))
def test_examples_use_documented_options_of_modules_that_are_there(path: Path) -> None:
    tasks = example_tasks(yaml.safe_load(path.read_text(encoding="utf-8")))
    used = [name for task in tasks for name in task if name.startswith("wcow.containers.")]
    assert f"wcow.containers.{path.stem}" in used
    for task in tasks:
        assert task["name"][0].isupper()
        for name, given in task.items():
            if name.startswith("wcow.containers."):
                other = yaml.safe_load((MODULES / f"{name.rpartition('.')[2]}.yml").read_text(encoding="utf-8"))
                options = other["DOCUMENTATION"]["options"]
                assert set(given or ()) <= set(options), task
                for option, value in (given or {}).items():
                    choices = options[option].get("choices")
                    assert choices is None or isinstance(value, list) or value in choices, task


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.stem))
def test_each_option_is_the_scripts_and_each_result_is_documented(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    script = path.with_suffix(".ps1").read_text(encoding="utf-8")
    spec = set(re.findall(r"^        (\w+) = @\{ type = ", script, re.MULTILINE))
    assert spec == set(document["DOCUMENTATION"]["options"])
    set_by_script = set(re.findall(r"\$module\.Result\.(\w+) = ", script)) - {"changed", "waiting", "invocation"}
    assert set_by_script <= set(document["RETURN"]), "results that nothing documents"


def test_the_roles_variables_have_a_default_and_a_description() -> None:
    role = MODULES.parents[1] / "roles/container_host"
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text(encoding="utf-8"))
    options = yaml.safe_load((role / "meta/argument_specs.yml").read_text("utf-8"))["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults
    tasks = "".join(path.read_text(encoding="utf-8") for folder in ("tasks", "vars", "handlers")
                    for path in (role / folder).iterdir())
    assert [name for name in defaults if name not in tasks] == []
    # Modules of our own, and of Ansible what only decides about tasks: the collection has no dependency.
    assert set(re.findall(r"^  ([a-z_]+(?:\.[a-z_]+)+):", tasks, re.MULTILINE)) <= {
        *(f"ansible.builtin.{name}" for name in ("debug", "fail", "import_tasks", "include_tasks", "meta")),
        *(f"wcow.containers.{name}" for name in (
            "defender_exclusion", "doctor", "engine", "engine_config", "host_feature", "host_firewall", "host_reboot",
            "host_service", "image", "network"))}
