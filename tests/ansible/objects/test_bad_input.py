# SPDX-License-Identifier: Apache-2.0
"""Values that shells and templates would change arrive as they are, and what would break a host is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support import ansible_winrm, engines, programs
from support.ansible_hosts import Controller
from support.ansible_objects import ours, play
from support.slow_link import link
from support.small_disk import full_disk
from support.winrm_machine import ShellMachine
from support.winrm_service import serving
from support.workbench import Workbench, fill

from imagebuild.dockerapi import faults
from imagebuild.engine.images.transfer import archive as image_archive

pytestmark = pytest.mark.slow  # a task takes most of a second of Ansible itself

ODD = "a \"q\" 'p' %PATH% ^& {{ x }} $HOME `t grüße 漢字"


def test_odd_values_arrive_as_they_are(controller: Controller, served: engines.Served) -> None:
    made = {"name": "web", "image": "app:1", "command": ["sleep", "600"], "env": {"ODD": "{{ odd }}"},
            "labels": {"odd": "{{ odd }}"}}
    # a value that a template gives is not templated again, whatever is in it
    plays = [ours("container", **made), ours("container", **made), ours("container_info", name="web", show_env=True),
             ours("volume", name="data", labels={"odd": "{{ odd }}"})]
    for task in plays:
        task["vars"] = {"odd": "{{ lookup('ansible.builtin.env', 'ODD') }}"}
    controller.extra["ODD"] = ODD
    played = play(controller, served, *plays)
    assert [one.state for one in played.outcomes] == ["ok"] * 4, played.printed
    assert [one.changed for one in played.outcomes] == [True, False, False, True]
    config = played[2]["containers"][0]["Config"]
    assert f"ODD={ODD}" in config["Env"]
    assert config["Labels"]["odd"] == ODD
    assert played[3]["volume"]["Labels"]["odd"] == ODD


def test_a_filter_is_a_value_or_a_list_of_values(controller: Controller, served: engines.Served) -> None:
    played = play(controller, served, ours("volume", name="one", labels={"a": "1"}), ours("volume", name="two"),
                  ours("volume_info", filters={"label": "a=1"}), ours("volume_info", filters={"name": ["one", "two"]}),
                  ours("prune", volumes=True, volumes_filters={"all": True, "label": "a=1"}))
    assert [one.state for one in played.outcomes] == ["ok"] * 5, played.printed
    assert [one["Name"] for one in played[2]["volumes"]] == ["one"]
    assert sorted(one["Name"] for one in played[3]["volumes"]) == ["one", "two"]
    assert [one["Name"] for one in served.client.json("GET", "/volumes")["Volumes"]] == ["two"]


def test_an_image_of_a_newer_windows_is_refused_before_it_is_sent(controller: Controller, served: engines.Served,
                                                                  tmp_path: Path) -> None:
    bench = Workbench(tmp_path / "bench")
    bench.base("nanoserver", "base:1", os_version="10.0.26100.1")
    context = fill(tmp_path / "context", {"Dockerfile": "FROM base:1\nCOPY app.txt /app/\n", "app.txt": "hello"})
    bench.build(context, tag="newer:1")
    bench.copy("newer:1", f"docker-archive:{tmp_path / 'newer.tar'}:newer:1")
    build = ours("image_build", name="newer:1", path=str(context), offline=True,
                 store=str(bench.folder / "store"), cache=str(bench.folder / "cache"))
    load = ours("image", name="newer:1", archive=str(tmp_path / "newer.tar"))
    tasks = [{**task, "check_mode": check, "ignore_errors": True} for task in (build, load) for check in (True, False)]
    played = play(controller, served, *tasks)
    assert [one.state for one in played.outcomes] == ["failed"] * 4, played.printed
    for one in played.outcomes:
        assert one.message.startswith("the engine does not take "), one.message
        assert one.message.count("26100") == 1 and "take an image that is not newer than the host" in one.message
    assert not served.failed  # the engine was sent nothing that it refused


def test_a_network_that_would_cut_the_connection_is_refused(served: engines.Served, tmp_path: Path) -> None:
    def network(**more: Any) -> dict[str, Any]:
        return {**ours("network", name="n", driver="transparent", **more), "check_mode": True, "ignore_errors": True}

    with (programs.skipping(),
          ansible_winrm.winrm_host(tmp_path / "win", f"unix://{served.socket}", "psrp") as (controller, _host)):
        played = controller.play(network(), network(allow_adapter_loss=True),
                                 network(driver_options={"com.docker.network.windowsshim.interface": "Ethernet 2"}))
    assert [one.state for one in played.outcomes] == ["failed", "ok", "ok"], played.printed
    assert "allow_adapter_loss: true" in played[0].message


def test_a_host_that_goes_away_in_mid_task_is_an_error_in_words(served: engines.Served, tmp_path: Path) -> None:
    served.post(f"/containers/{served.create('sleep 600', name='web')}/start")
    runs = {**ours("container_exec", container="web", argv=["sleep", "500"]), "ignore_errors": True}
    after = {**ours("volume_info"), "ignore_errors": True, "ignore_unreachable": True}
    with (programs.skipping(), ExitStack() as cable, ThreadPoolExecutor() as pool,
          ansible_winrm.winrm_host(tmp_path / "win", f"unix://{served.socket}", "psrp") as (controller, winrm)):
        controller.variables["ansible_port"] = cable.enter_context(link(winrm.port, 0)).port
        playing = pool.submit(controller.play, ours("volume_info"), runs, after)
        engines.wait_for(lambda: served.inspect("web").exec_ids or playing.done(), 60)
        cable.close()
        played = playing.result()
    assert [one.state for one in played.outcomes] == ["ok", "failed", "failed"], played.printed
    for one in played.outcomes[1:]:
        assert one.message and "Traceback" not in one.message, one
    assert "Traceback" not in played.printed
    assert "127.0.0.1" in played[2].message and played[2]["remedy"], played[2]


def test_a_host_without_docker_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "win").mkdir()
    with programs.skipping(), serving(tmp_path / "win", ShellMachine()) as winrm:
        controller = ansible_winrm.controller(tmp_path, winrm, "psrp")
        played = controller.play({**ours("volume_info"), "ignore_errors": True})
    assert played[0].state == "failed"
    assert "is Docker installed there, and does its service run?" in played[0].message, played[0].message


def test_a_full_disk_is_told_as_such(controller: Controller, served: engines.Served, tmp_path: Path,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_unused: object, **_more: object) -> None:
        raise faults.Internal("write C:\\ProgramData\\docker\\tmp\\x: There is not enough space on the disk.")

    monkeypatch.setattr(image_archive, "load", full)
    (tmp_path / "x.tar").write_bytes(b"")
    served.post(f"/containers/{served.create('sleep 600', name='web')}/start")
    with programs.skipping(), full_disk() as disk:
        tasks = [ours("image", name="x:1", archive=str(tmp_path / "x.tar")),
                 ours("image", name="app:1", export_to=str(disk / "app.tar")),
                 ours("container_copy", container="web", path="C:\\a.txt", content="hello" * 10_000),
                 ours("container_copy", container="web", path="C:\\a.txt", src=str(disk / "a.txt"), fetch=True)]
        played = play(controller, served, *({**task, "ignore_errors": True} for task in tasks))
        assert not (disk / "app.tar").exists()
    assert [one.state for one in played.outcomes] == ["failed", "failed", "ok", "failed"], played.printed
    assert "There is not enough space on the disk" in played[0].message
    for at, name in ((1, "app.tar"), (3, "a.txt")):
        assert "No space left on device" in played[at].message and str(disk / name) in played[at].message, played[at]
    assert "Traceback" not in played.printed
