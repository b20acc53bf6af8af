# SPDX-License-Identifier: Apache-2.0
"""A sweep removes what dead processes of this machine left, and touches nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import engines

from imagebuild.cli.containers.sweep import sweep
from imagebuild.containers import Owner, Spec, find_leftovers, labels, owner, remove_leftovers, run_container
from imagebuild.containers.sweep import judged


@pytest.fixture
def served(tmp_path: Path) -> Iterator[engines.Served]:
    with engines.served(tmp_path) as found:
        yield found


def gone() -> Owner:
    """An owner whose process has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = labels.process_start(child.pid) or ""
    child.communicate(b"\n")
    return replace(owner("dead"), pid=child.pid, started=start)


def container(served: engines.Served, marks: object, name: str) -> None:
    run_container(served.client, Spec.of(engines.IMAGE, command=["sleep", "60"], labels=marks, name=name))


def names(served: engines.Served) -> set[str]:
    return {one["Names"][0][1:] for one in served.client.json("GET", "/containers/json", query={"all": True})}


def test_only_what_a_dead_process_of_this_machine_made_goes(served: engines.Served) -> None:
    me, dead = owner("me"), gone()
    container(served, dead.labels(test="a.py::b"), "dead")
    container(served, replace(dead, boot="other").labels(), "earlier-boot")
    container(served, replace(dead, machine="other").labels(), "other-machine")
    container(served, dead.labels(keep="1"), "kept")
    container(served, owner("other").labels(), "living")
    container(served, me.labels(), "mine")
    container(served, {"a": "b"}, "unlabelled")
    served.client.json("POST", "/volumes/create", body={"Name": "deadvolume", "Labels": dict(dead.labels())})
    served.client.json("POST", "/volumes/create", body={"Name": "other"})
    network = served.client.json("POST", "/networks/create", body={
        "Name": "deadnet", "Driver": "nat", "Labels": dict(dead.labels())})
    assert network["Id"]
    swept = list(remove_leftovers(served.client, find_leftovers(served.client, me)))
    assert [(one.kind, one.name, one.failed) for one in swept] == [
        ("container", one, "") for one in ("earlier-boot", "dead")] + [("network", "deadnet", ""),
                                                                     ("volume", "deadvolume", "")]
    assert next(one for one in swept if one.name == "dead").test == "a.py::b"
    assert names(served) == {"other-machine", "kept", "living", "mine", "unlabelled"}
    everything = {one.name: one.why for one in find_leftovers(served.client, me, everything=True)}
    assert everything == {"other-machine": "another machine made it", "kept": "it was kept on purpose"}
    assert not list(find_leftovers(served.client, me, everything=True, older_than=60))


def test_a_number_that_another_process_has_now_is_a_dead_one() -> None:
    me = owner("me")
    assert judged(dict(replace(me, session="x").labels()), me) == (False, "")
    assert judged({**dict(replace(me, session="x").labels()), labels.STARTED: "1"}, me) == (
        True, f"process {os.getpid()} is gone")
    assert judged({**dict(replace(me, session="x").labels()), labels.PID: "x"}, me)[0]


def test_the_command_lists_with_all_and_removes_with_yes(served: engines.Served) -> None:
    container(served, gone().labels(keep="1"), "kept")
    address = f"unix://{served.socket}"
    run = CliRunner().invoke(sweep, ["--engine", address, "--all"])
    assert "--yes removes it" in run.output
    assert names(served) == {"kept"}
    run = CliRunner().invoke(sweep, ["--engine", address, "--all", "--yes", "--format", "json"])
    assert '"removed": true' in run.output
    assert names(served) == set()
    assert CliRunner().invoke(sweep, ["--engine", address]).output == ""
