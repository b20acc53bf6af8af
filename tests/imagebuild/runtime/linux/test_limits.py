# SPDX-License-Identifier: Apache-2.0
"""Which means of limiting are found, and what is written into cgroups (folders of a test stand for the kernel's)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.runtime.linux import limits
from imagebuild.runtime.linux.limits import Group, Means
from imagebuild.runtime.port import Limits


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    group = tmp_path / "user.slice" / "engine"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text("cpu memory pids\n")
    (group / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (tmp_path / "own").write_text("0::/user.slice/engine\n")
    return group


def test_a_delegated_subtree_comes_first(v2: Path, tmp_path: Path) -> None:
    means = limits.find(tmp_path, tmp_path / "own")
    assert means.v2 == v2
    assert means.gaps == ()
    assert means.cpus == "cgroup v2"


def test_a_subtree_without_controllers_is_none(v2: Path, tmp_path: Path) -> None:
    (v2 / "cgroup.controllers").write_text("pids\n")
    (v2 / "cgroup.subtree_control").write_text("pids\n")
    means = limits.find(tmp_path, tmp_path / "own")
    assert means == Means()
    assert means.memory == "prlimit --data for each process"
    assert len(means.gaps) == 3


def test_v1_is_taken_where_it_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "cgroup.procs").touch()
    means = limits.find(tmp_path, tmp_path / "own")
    assert means.v1 == (("memory", tmp_path / "memory"),)
    assert "cgroup v1" in means.memory
    assert len(means.gaps) == 2


def test_a_v2_group_gets_the_numbers_and_holds_its_process(v2: Path) -> None:
    group = Group(Means(v2=v2), "abc", Limits(memory=1 << 20, cpus=1.5, processes=9))
    assert group.blocks
    group.make()
    group.add(42)
    folder = v2 / "wcow-abc"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "memory.max": "1048576", "cpu.max": "150000 100000", "pids.max": "9", "cgroup.procs": "42"}


def test_v1_groups_are_one_for_each_limit(tmp_path: Path) -> None:
    means = Means(v1=tuple((name, tmp_path / name) for name in ("memory", "cpu", "pids")))
    group = Group(means, "abc", Limits(memory=1 << 20, cpus=0.5))
    group.make()
    assert not group.blocks
    assert (tmp_path / "memory/wcow/abc/memory.limit_in_bytes").read_text() == "1048576"
    assert (tmp_path / "cpu/wcow/abc/cpu.cfs_quota_us").read_text() == "50000"
    assert not (tmp_path / "pids").exists()
    with group.entered(affinity=False):
        assert (tmp_path / "memory/wcow/abc/tasks").read_text() == "0"
    assert (tmp_path / "memory/tasks").read_text() == "0"


def test_a_thread_leaves_a_group_where_nothing_can_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(Means(v1=(("memory", tmp_path / "memory"),)), "abc", Limits(memory=1))
    group.make()
    entered = group.entered(affinity=False)
    entered.__enter__()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", None)
        entered.__exit__(None, None, None)
    assert (tmp_path / "memory" / "tasks").read_text() == "0"


def test_no_limit_makes_no_group(v2: Path) -> None:
    group = Group(Means(v2=v2), "abc", Limits())
    group.make()
    assert not group.blocks
    assert not (v2 / "wcow-abc").exists()


@given(st.sets(st.integers(0, 63), min_size=1), st.floats(0.01, 100))
def test_cpus_are_rounded_up_and_chosen_of_those_we_may_use(allowed: set[int], wanted: float) -> None:
    chosen = limits.choose_cpus(allowed, wanted)
    assert chosen <= allowed
    assert len(chosen) == len(allowed) or wanted <= len(chosen) < wanted + 1


def test_the_threads_cpus_are_given_back() -> None:
    before = os.sched_getaffinity(0)
    with Group(Means(), "abc", Limits(cpus=1)).entered(affinity=True):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_memory_goes_before_the_program() -> None:
    assert limits.prefix(Limits(memory=5), "prlimit") == ["prlimit", "--data=5"]
    assert limits.prefix(Limits(), "prlimit") == []
