# SPDX-License-Identifier: Apache-2.0
"""How a container differs from what it shall be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import engines

from imagebuild.containers import Container, Spec, differences, run_container


@pytest.fixture
def served(tmp_path: Path) -> Iterator[engines.Served]:
    with engines.served(tmp_path) as found:
        yield found


@pytest.fixture
def box(served: engines.Served, tmp_path: Path) -> Container:
    return run_container(served.client, spec(tmp_path))


def spec(folder: Path, **more: Any) -> Spec:
    facts = {"command": ["sleep", "60"], "environ": {"A": "1"}, "ports": {80: 8080}, "labels": {"a": "b"},
             "mounts": {r"C:\Data": folder, "D:": "named"}, "user": "ContainerUser", "memory": 1 << 30, **more}
    return Spec.of(engines.IMAGE, **facts)


def test_what_was_made_of_a_spec_does_not_differ(box: Container, tmp_path: Path) -> None:
    assert differences(spec(tmp_path), box.inspect()) == ()
    other = spec(tmp_path, environ={"a": "1"}, mounts={r"c:\data": tmp_path}, ports=[80])
    assert differences(other, box.inspect()) == ()


@pytest.mark.parametrize(("more", "field"), [
    ({"environ": {"A": "2"}}, "environ[A]"), ({"ports": {80: 8081}}, "port 80/tcp"), ({"ports": [81]}, "port 81/tcp"),
    ({"labels": {"a": "c"}}, "labels[a]"), ({"mounts": {r"C:\Other": Path("/x")}}, r"mount C:\Other"),
    ({"mounts": {"D:": "another"}}, "mount D:"), ({"user": "you"}, "user"), ({"memory": 1}, "memory"),
    ({"command": ["sleep", "61"]}, "command"), ({"isolation": "hyperv"}, "isolation")])
def test_each_fact_that_is_another_is_named(box: Container, tmp_path: Path, more: dict[str, Any], field: str) -> None:
    found = differences(spec(tmp_path, **more), box.inspect())
    assert [one.field for one in found] == [field]
    assert str(found[0]).startswith(f"{field} is ")


def test_another_image_is_told_by_its_id(box: Container, tmp_path: Path) -> None:
    assert [one.field for one in differences(spec(tmp_path), box.inspect(), "sha256:0")] == ["image"]
