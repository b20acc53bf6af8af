# SPDX-License-Identifier: Apache-2.0
"""What tasks on Windows hosts cost: ours, community.docker through ``tunnel``, and the broker between.

The hosts are WinRM services of this tree in front of docker's command line and an engine whose programs are scripts, so
that no figure has Wine in it; a link of 50 ms lies between where the table says so. The host modules run on a
``wcow host``, in its PowerShell.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, ansible_winrm, engines, programs
from support.ansible_hosts import Controller, Played
from support.ansible_objects import ours
from support.bench import RUNS, Report
from support.slow_link import Link, link

TASKS = 10
HOSTS = 5
NAMES = 50
HERE = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
WEB = {"image": "app:1", "command": ["sleep", "600"], "env": {"MODE": "test"}, "pull": "never",
       "restart_policy": "always"}


@dataclass
class Host:
    """A host behind a link."""

    controller: Controller
    link: Link


@contextlib.contextmanager
def host(folder: Path, seconds: float) -> Iterator[Host]:
    """Serve one, with an engine of its own."""
    (folder / "engine").mkdir(parents=True)
    with (engines.served(folder / "engine") as served,
          ansible_winrm.winrm_host(folder / "win", f"unix://{served.socket}", "psrp") as (controller, winrm),
          link(winrm.port, seconds) as between):
        controller.variables["ansible_port"] = between.port
        yield Host(controller, between)


def timed(controller: Controller, *tasks: dict[str, Any], **facts: Any) -> tuple[float, Played]:
    """Play, and return the seconds that it took. All tasks must succeed."""
    before = time.perf_counter()
    played = controller.play(*tasks, **facts)
    spent = time.perf_counter() - before
    assert {one.state for one in played.outcomes} == {"ok"}, played.printed
    return spent, played


def theirs(number: int) -> dict[str, Any]:
    """A container as community.docker has it."""
    return {"community.docker.docker_container": {**WEB, "name": f"web{number}",
                                                  "docker_host": "{{ tunnel.docker_host }}"}, "vars": HERE}


def per_task(controller: Controller, between: Link, opening: list[dict[str, Any]], tasks: list[dict[str, Any]]
             ) -> tuple[float, float]:
    """The median seconds, and the turns on the link, that each task adds to a playbook that does not change."""
    spent, turns = [], []
    for _run in range(RUNS):
        between.reset()
        alone, _unused = timed(controller, *opening, tasks[0])
        first = between.turns
        between.reset()
        all_of_them, played = timed(controller, *opening, *tasks)
        assert not any(one.changed for one in played.outcomes), played.printed
        spent.append((all_of_them - alone) / (len(tasks) - 1))
        turns.append((between.turns - first) / (len(tasks) - 1))
    return statistics.median(spent), statistics.median(turns)


def test_ten_changeless_container_tasks(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("ansible_collections.community.docker", reason="the package ansible is not installed")
    lines = ["| link | module | seconds a task | round trips a task | times ours |", "|---|---|---:|---:|---:|"]
    for milliseconds in (0, 50):
        with programs.skipping(), host(tmp_path / str(milliseconds), milliseconds / 1000) as one:
            mine = [ours("container", name=f"web{number}", **WEB) for number in range(TASKS + 1)]
            others = [theirs(number) for number in range(TASKS + 1)]
            timed(one.controller, *mine)
            opened = {**ours("tunnel"), "register": "tunnel"}
            own = per_task(one.controller, one.link, [], mine)
            peer = per_task(one.controller, one.link, [opened], others)
            for name, (seconds, turns) in (("wcow", own), ("community.docker through tunnel", peer)):
                lines.append(f"| {milliseconds} ms | {name} | {seconds:.2f} | {turns:.1f} | {seconds / own[0]:.1f} |")
    report.lines("Ansible: ten container tasks that change nothing", [
        *lines, "", "Bar: at most 6 round trips and 0.5 s a task at 0 ms, 0.9 s at 50 ms; half of community.docker's"
        " time or less"])


def test_the_first_task_on_a_host(report: Report, tmp_path: Path) -> None:
    with programs.skipping(), host(tmp_path / "host", 0) as one:
        nothing = {"ansible.builtin.debug": {"msg": "x"}}
        pairs = [(timed(one.controller, ours("volume_info"))[0], timed(one.controller, nothing)[0])
                 for _run in range(RUNS)]
    spent = statistics.median(task - bare for task, bare in pairs)
    report.lines("Ansible: the first task on a host", [
        "| | seconds |", "|---|---:|", f"| broker, connection, first answer (over a task of debug) | {spent:.2f} |", "",
        "Bar: at most 1.5 s at 0 ms"])


@dataclass
class Watch:
    """The largest sums of memory (PSS, MB) that were seen: of brokers, and of the playbook's own processes."""

    marker: str
    broker: float = 0
    playbook: float = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Look until told to stop."""
        while not self._stop.wait(0.2):
            brokers = set(ansible_winrm.brokers(self.marker))
            plays = {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if self._is_play(entry)} - brokers
            self.broker = max(self.broker, sum(map(_pss, brokers)))
            self.playbook = max(self.playbook, sum(map(_pss, plays)))

    def _is_play(self, entry: Path) -> bool:
        try:
            return b"ansible-playbook" in (entry / "cmdline").read_bytes() and \
                self.marker.encode() in (entry / "environ").read_bytes()
        except OSError:
            return False

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look meanwhile."""
        thread = threading.Thread(target=self.look)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def _pss(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


def test_fifty_names_over_five_hosts(report: Report, tmp_path: Path) -> None:
    with programs.skipping(), contextlib.ExitStack() as stack:
        made = [stack.enter_context(host(tmp_path / str(number), 0)) for number in range(HOSTS)]
        controller = made[0].controller
        names = {f"name{number}": {**made[number % HOSTS].controller.variables, "wcow_number": number}
                 for number in range(NAMES)}
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            source = Path(folder) / "many.json"
            source.write_text(json.dumps({"all": {"hosts": names}}), encoding="utf-8")
            watch = Watch(str(controller.folder))
            task = {"wcow.containers.container": {**WEB, "name": "{{ inventory_hostname }}"}}
            again = [task, ours("container_info", name="{{ inventory_hostname }}"), ours("volume_info")]
            with watch.watching():
                played = controller.play(*again, *again, arguments=(
                    "-i", str(source), "--limit", "name*", "--forks", "20"))
        assert {one.state for one in played.outcomes} == {"ok"}, played.printed
        assert len(played.outcomes) == NAMES * 6
    report.lines("Ansible: 50 names over five hosts, forks=20", [
        "| | peak MB (PSS) |", "|---|---:|", f"| broker | {watch.broker:.0f} |",
        f"| ansible-playbook and its workers | {watch.playbook:.0f} |", "", "Bar: 250 MB, 1.5 GB"])


def test_a_host_module_that_changes_nothing(report: Report) -> None:
    """Ours, ``win_service`` and ``win_stat`` in turn, by psrp, on a host of this tree. Wine has no failure actions of
    services, so ``win_service`` ends with an error where it writes its diff, when its work is done: its time is a
    little less than on Windows."""
    tasks: dict[str, dict[str, Any]] = {
        "host_service": {"wcow.containers.host_service": {"name": "Spooler", "state": "started"}},
        "ansible.windows.win_service": {"ansible.windows.win_service": {"name": "Spooler", "state": "started"},
                                        "ignore_errors": True},
        "ansible.windows.win_stat": {"ansible.windows.win_stat": {"path": "C:\\Windows"}}}

    def spent(controller: Controller, *played: dict[str, Any]) -> float:
        before = time.perf_counter()
        outcomes = controller.play(*played).outcomes
        seconds = time.perf_counter() - before
        assert all(one.state == "ok" or "FailureActions" in one.message for one in outcomes), outcomes
        assert not any(one.changed for one in outcomes), outcomes
        return seconds

    with programs.skipping(), ansible_hosts.host() as started:
        controller = started.controller("psrp")
        controller.play(*tasks.values())  # starts the service
        each: dict[str, list[float]] = {name: [] for name in tasks}
        for _run in range(RUNS):
            for name, task in tasks.items():
                one = spent(controller, task)
                each[name].append((spent(controller, task, task, task) - one) / 2)
    medians = {name: statistics.median(times) for name, times in each.items()}
    own = medians["host_service"]
    report.lines("Ansible: a host module that changes nothing, by psrp", [
        "| | seconds a task | ours by it |", "|---|---:|---:|",
        *(f"| {name} | {seconds:.2f} | {own / seconds:.2f} |" for name, seconds in medians.items()),
        "", "Bar: at most 1.2 times win_service, which Wine ends with an error where it writes its diff"])
