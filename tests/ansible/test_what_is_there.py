# SPDX-License-Identifier: Apache-2.0
"""What the collection holds, as Ansible lists it: 24 modules, each in a group of ``module_defaults``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]
from support.ansible_hosts import REPOSITORY, collections

OBJECTS = {"container", "container_copy", "container_exec", "container_info", "image", "image_build", "image_compat",
           "image_info", "network", "network_info", "prune", "tunnel", "volume", "volume_info"}
HOSTS = {"defender_exclusion", "doctor", "engine", "engine_config", "engine_request", "host_feature", "host_firewall",
         "host_info", "host_reboot", "host_service"}


def test_each_module_is_in_one_group_of_module_defaults() -> None:
    meta = yaml.safe_load((REPOSITORY / "meta/runtime.yml").read_text("utf-8"))
    assert {name: set(modules) for name, modules in meta["action_groups"].items()} == {"docker": OBJECTS, "host": HOSTS}
    assert set(meta["plugin_routing"]["modules"]) == OBJECTS
    assert {path.stem for path in (REPOSITORY / "plugins/modules").iterdir()} - {"__pycache__"} == OBJECTS | HOSTS


@pytest.mark.slow  # ansible-doc reads each of them
@pytest.mark.parametrize(("kind", "names"), [
    ("module", OBJECTS | HOSTS), ("connection", {"container"}), ("inventory", {"containers"}),
    ("filter", {"ntstatus", "os_version", "sddl", "windows_build"}), ("test", {"compatible_with"})])
def test_ansible_doc_lists_what_is_there(tmp_path: Path, kind: str, names: set[str]) -> None:
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections(tmp_path)),
                   "ANSIBLE_HOME": str(tmp_path / "home")}
    done = subprocess.run([Path(sys.executable).with_name("ansible-doc"), "-t", kind, "-l", "-j", "wcow.containers"],
                          env=environment, capture_output=True, text=True, timeout=120, check=False)
    listed = json.loads(done.stdout)
    assert set(listed) == {f"wcow.containers.{name}" for name in names}, done.stderr
    assert all(text and text != "UNDOCUMENTED" for text in listed.values()), listed
