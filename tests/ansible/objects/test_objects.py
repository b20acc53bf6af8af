# SPDX-License-Identifier: Apache-2.0
"""The modules for Docker objects, on an engine behind a socket: a check tells what the run does, and the second run
changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import engines
from support.ansible_hosts import Controller, steady, thrice
from support.ansible_objects import ours, play
from support.workbench import Workbench, fill

SECRET = "hunter2hunter2"

WEB = {"name": "web", "image": "app:1", "command": ["sleep", "60"], "env": {"MODE": "test"},
       "networks": [{"name": "backend", "aliases": ["web"]}], "restart_policy": "unless-stopped", "memory": "512m",
       "mounts": [{"type": "volume", "source": "data", "target": "C:\\data"}], "published_ports": ["80"]}


@pytest.mark.slow  # a task takes most of a second of Ansible itself
def test_objects_are_made_once_are_changed_where_they_differ_and_go(controller: Controller,
                                                                    served: engines.Served) -> None:
    volume = ours("volume", name="data", labels={"owner": "web"})
    network = ours("network", name="backend", ipam_config=[{"subnet": "172.30.0.0/16"}])
    container = ours("container", **WEB)
    changed = ours("container", **{**WEB, "env": {"mode": "production"}, "restart_policy": "always"})
    policy = ours("container", **{**WEB, "env": {"mode": "production"}, "restart_policy": "no"})
    gone = [ours("container", name="web", state="absent"), ours("network", name="backend", state="absent"),
            ours("volume", name="data", state="absent")]
    steps = [volume, network, container, changed, policy, *gone]
    tasks = [one for step in steps for one in thrice(step)]
    at = 3 * steps.index(changed)
    tasks[at:at] = [ours("container_info", name="web", show_env=True), ours("volume_info", name="data"),
                    ours("network_info")]
    got = play(controller, served, *tasks).outcomes
    infos, rest = got[at:at + 3], got[:at] + got[at + 3:]
    real = [steady(*rest[3 * number:3 * number + 3]) for number in range(len(steps))]
    assert [one["exists"] for one in infos] == [True, True, True]
    assert "MODE=test" in infos[0]["containers"][0]["Config"]["Env"]
    assert real[2]["container"]["State"]["Running"]
    assert real[3]["differences"] == ["restart is 'unless-stopped', wanted is 'always'",
                                      "environ[mode] is 'a value that is not shown', wanted is 'another value, which is"
                                      " not shown'"]
    assert real[3]["container"]["Id"] != real[2]["container"]["Id"]
    assert real[4]["container"]["Id"] == real[3]["container"]["Id"]
    assert real[4]["actions"] == ["update the restart policy"]
    assert not served.failed


def test_a_volume_is_made_once(controller: Controller, served: engines.Served) -> None:
    real = steady(*play(controller, served, *thrice(ours("volume", name="data"))).outcomes)
    assert real["volume"]["Name"] == "data"


@pytest.mark.slow
def test_errors_are_sentences_and_hold_no_secret(controller: Controller, served: engines.Served) -> None:
    wrong = [
        ours("container", name="x", image="nosuch:1", pull="never"),
        ours("container", name="x", image="app:1", mounts=[{"source": "data", "target": "C:\\"}]),
        ours("container", name="x", image="app:1", memory="much"),
        ours("container", name="x"),
        ours("container", name="x", image="app:1", colour="blue"),
        ours("container_exec", container="x", argv=["cmd"]),
        ours("network", name="n", driver="l2bridge", docker_host="tcp://127.0.0.1:1"),
        ours("image", name="localhost:1/x:1", registry_username="u", registry_password=SECRET),
    ]
    played = play(controller, served, *({**task, "ignore_errors": True} for task in wrong))
    said = [one.message for one in played.outcomes]
    assert [one.state for one in played.outcomes] == ["failed"] * len(wrong)
    assert said[0] == "the image nosuch:1 is not there, and pull is never"
    assert "Windows mounts nothing over the drive C: of a container" in said[1]
    assert said[2] == "memory is a size like 512m or 2g, not 'much'"
    assert said[3] == "the container x is not there, and without image it cannot be made"
    assert "Unsupported parameters" in said[4]
    assert "colour" in said[4]
    assert said[5] == "there is no container x"
    assert "127.0.0.1:1" in said[6]
    assert SECRET not in played.printed
    assert "Traceback" not in played.printed


@pytest.mark.slow
def test_an_image_is_built_here_and_loaded_there_once(controller: Controller, served: engines.Served,
                                                      tmp_path: Path) -> None:
    bench = Workbench(tmp_path / "bench")
    bench.base("nanoserver", "base:1")
    context = fill(tmp_path / "context", {
        "Dockerfile": "FROM base:1\nARG NAME\nCOPY app.txt /app/\nENV NAME=$NAME\n", "app.txt": "hello"})
    build = ours("image_build", name="made:1", path=str(context), args={"NAME": "x"}, offline=True,
                 store=str(bench.folder / "store"), cache=str(bench.folder / "cache"),
                 archive=str(tmp_path / "made.tar"))
    wrong = {**ours("image_build", name="made:1", path=str(tmp_path / "nowhere")), "ignore_errors": True}
    played = play(controller, served, *thrice(build), ours("image_info", name=["made:1"]), wrong)
    real = steady(*played.outcomes[:3])
    assert real["actions"] == ["load docker.io/library/made:1", f"write {tmp_path / 'made.tar'}"]
    assert played[3]["images"][0]["Id"] == real["id"]
    assert "NAME=x" in played[3]["images"][0]["Config"]["Env"]
    assert (tmp_path / "made.tar").is_file()
    assert played[4].message.startswith("cannot build ")
