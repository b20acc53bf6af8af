# SPDX-License-Identifier: Apache-2.0
"""The runner of Ansible's integration targets: which targets it finds, and the page that it writes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "host_suites.py"


@pytest.fixture(scope="module")
def suites() -> ModuleType:
    spec = importlib.util.spec_from_file_location("host_suites", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["host_suites"] = module
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


def test_targets_are_the_roles_of_both_checkouts(suites: ModuleType, tmp_path: Path) -> None:
    for name, files in (("ansible.windows", ("win_ping/tasks", "setup_http_tests/tasks", "win_odd/library")),
                        ("community.windows", ("win_iis/tasks",))):
        for file in files:
            (tmp_path / name / "tests/integration/targets" / file).mkdir(parents=True)
    assert [one.name for one in suites._targets(tmp_path)] == ["win_ping", "win_iis"]
    assert suites._targets(Path()) == []


def test_the_page_tells_whole_targets_and_what_stops_the_others(suites: ModuleType) -> None:
    made = [suites.Outcome("ansible.windows", "win_ping", "psrp", True, 8),
            suites.Outcome("ansible.windows", "win_ping", "winrm", True, 8),
            suites.Outcome("ansible.windows", "win_user", "psrp", False, 3, "make <b>", "no | such")]
    text = suites.page(made)
    assert "are whole (the bar: 12)" in text and "most, 1 are whole" in text
    assert "| win_ping | whole, 8 | whole, 8 |  |  |" in text
    assert r"| win_user | stops, 3 | not run | make \<b\> | no \| such |" in text
    assert "community.windows](" not in text


def test_what_a_task_said_is_one_short_line(suites: ModuleType) -> None:
    assert suites._words({"msg": "a\n  b"}) == "a b"
    assert suites._words({"msg": "Assertion failed", "assertion": "x == 1"}) == "not so: x == 1"
    assert len(suites._words({"msg": "x" * 999})) == 240


def test_without_checkouts_it_says_how_to_get_them() -> None:
    done = subprocess.run([sys.executable, SCRIPT], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 3
    assert "git clone https://github.com/ansible-collections/ansible.windows suites/ansible.windows" in done.stderr
