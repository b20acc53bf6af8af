# SPDX-License-Identifier: Apache-2.0
"""Every module of the collection in every state: what a task of it is, and whether its runs change something.

A row stands alone: its tasks before it bring the host to where its own task has something to do. Texts in double braces
are variables of the play: ``image`` is there and runs ``cmd``, ``work`` is a folder of the control node, ``run`` tells
apart what several runs on a host make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .ansible_hosts import Outcome, thrice
from .ansible_objects import ours

Task = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A module in a state."""

    module: str
    state: str
    """A choice of the option ``state``, empty where the module has none; behind a comma what else is particular."""
    args: dict[str, Any]
    before: tuple[Task, ...] = ()
    changes: bool = True
    again: bool = False
    """Whether it changes something at each run, as what runs a program must."""
    document: dict[str, Any] | None = None
    """The state document of a stand-in: a row that has one is for stand-ins alone."""
    needs: frozenset[str] = field(default_factory=frozenset)
    """What a host may be without: ``source`` (archives of the engine), ``registry`` (one that it reaches), ``base`` (a
    base in a store of the control node from which images for it are built), ``restart`` (that it may restart)."""

    @property
    def name(self) -> str:
        """How tests call it."""
        return f"{self.module} {self.state}".strip()

    @property
    def tasks(self) -> list[Task]:
        """What is played: what comes before, then the task as a check, for real, and again."""
        return [*self.before, *thrice(ours(self.module, **self.args))]

    def hold(self, outcomes: Sequence[Outcome]) -> None:
        """Look at what came of :attr:`tasks`: the check tells the real run's change and diff, the second run none."""
        states = [(one.task, one.state, one.message) for one in outcomes if one.state != "ok"]
        assert not states, states
        assert len(outcomes) == len(self.before) + 3
        check, real, again = outcomes[-3:]
        assert real.changed == self.changes, real
        assert check.changed == real.changed, (check, real)
        assert check.result.get("diff") == real.result.get("diff"), (check.result.get("diff"), real.result.get("diff"))
        if self.changes and self.module not in NO_DIFF:
            assert real["diff"], real
        assert again.changed == self.again, again


NO_DIFF = {"container_exec", "engine_request", "host_reboot"}
"""What runs in a program, in an engine's call or in a restart is not known before."""

LABELS = {"row": "{{ run }}"}
WEB = {"name": "row", "image": "{{ image }}", "command": ["cmd"], "interactive": True, "pull": "never"}
GONE = ours("container", name="row", state="absent", force_kill=True)
RUNS = ours("container", **WEB)
MADE = ours("container", **WEB, state="present")
HEALTH = {"test": ["CMD", "cmd", "/c", "exit 0"], "interval": "1s", "timeout": "30s", "retries": 9}
FILE = "C:\\row\\grüße.txt"
KEPT = (GONE, RUNS, ours("container_copy", container="row", path=FILE, content="hello"))
ENGINE = {"version": "28.4.0", "source": "{{ source }}", "checksum": "{{ checksum }}", "running_containers": "stop"}
NO_ENGINE = ours("engine", state="absent", running_containers="stop")
SOURCE, REGISTRY, BASE, RESTART = (frozenset({one}) for one in ("source", "registry", "base", "restart"))
RULE = {"name": "row", "local_port": ["2376"], "profiles": ["private"]}
CONTEXT = {"path": "{{ work }}/context", "store": "{{ work }}/bench/store", "cache": "{{ work }}/bench/cache",
           "offline": True}


def _volume(**more: Any) -> Task:
    return ours("volume", **{"name": "row", **more})


def _image(**more: Any) -> dict[str, Any]:
    return {"name": "{{ image }}", "pull": "never", **more}


def _dangling(number: int) -> Task:
    """An image that loses its name to the next one."""
    return ours("image_build", name="row-dangling:1", labels={**LABELS, "number": str(number)}, **CONTEXT)


ROWS = (
    Row("volume", "present", {"name": "row", "labels": LABELS}, (_volume(state="absent"),)),
    Row("volume", "present, made anew", {"name": "row", "labels": {"a": "2"}, "recreate": "options-changed"},
        (_volume(labels={"a": "1"}, recreate="always"),)),
    Row("volume", "absent", {"name": "row", "state": "absent"}, (_volume(recreate="always"),)),
    Row("volume_info", "", {}, changes=False),
    Row("network", "present", {"name": "row", "labels": LABELS}, (ours("network", name="row", state="absent"),)),
    Row("network", "present, made anew", {"name": "row", "labels": {"a": "2"}},
        (ours("network", name="row", labels={"a": "1"}),)),
    Row("network", "absent", {"name": "row", "state": "absent"}, (ours("network", name="row", labels=LABELS),)),
    Row("network_info", "", {"name": "nat"}, changes=False),
    Row("image", "present, loaded", {"name": "row:1", "archive": "{{ work }}/row.tar"},
        (ours("image", name="row:1", state="absent", force=True),), needs=BASE),
    Row("image", "present, tagged", _image(tags=["row-tagged:1"]),
        (ours("image", name="row-tagged:1", state="absent"),)),
    Row("image", "present, pushed", _image(tags=["{{ registry }}/row:pushed-{{ run }}"], push=True), needs=REGISTRY),
    Row("image", "present, pulled", {"name": "{{ registry }}/row:pulled-{{ run }}"},
        (ours("image", **_image(tags=["{{ registry }}/row:pulled-{{ run }}"], push=True)),
         ours("image", name="{{ registry }}/row:pulled-{{ run }}", state="absent")), needs=REGISTRY),
    Row("image", "present, exported", _image(export_to="{{ work }}/{{ run }}.tar")),
    Row("image", "absent", {"name": "row-gone:1", "state": "absent"}, (ours("image", **_image(tags=["row-gone:1"])),)),
    Row("image_info", "", {"name": ["{{ image }}"]}, changes=False),
    Row("image_build", "", {"name": "row-built:1", "labels": LABELS, "archive": "{{ work }}/built-{{ run }}.tar",
                            **CONTEXT}, needs=BASE),
    Row("image_compat", "", {"name": "{{ image }}"}, changes=False),
    Row("container", "present", {**WEB, "state": "present", "env": {"GRUSS": "grüße"}}, (GONE,)),
    Row("container", "started", WEB, (GONE,)),
    Row("container", "started, once made", WEB, (GONE, MADE)),
    Row("container", "started, made anew", {**WEB, "env": {"A": "2"}, "labels": LABELS},
        (GONE, ours("container", **WEB, env={"A": "1"}))),
    Row("container", "started, again", {**WEB, "restart": True}, (GONE, RUNS), again=True),
    Row("container", "started, with a policy", {**WEB, "restart_policy": "always"}, (GONE, RUNS)),
    Row("container", "healthy", {**WEB, "state": "healthy", "healthcheck": HEALTH}, (GONE,)),
    Row("container", "stopped", {**WEB, "state": "stopped"}, (GONE, RUNS)),
    Row("container", "absent", {"name": "row", "state": "absent", "force_kill": True}, (GONE, RUNS)),
    Row("container_info", "", {"name": "row"}, (GONE, MADE), changes=False),
    Row("container_exec", "", {"container": "row", "command": "echo grüße"}, (GONE, RUNS), again=True),
    Row("container_exec", ", once", {"container": "row", "creates": FILE, "command": "mkdir C:\\row & echo x> " + FILE},
        (GONE, RUNS)),
    Row("container_copy", "", {"container": "row", "path": FILE, "content": "grüße"}, (GONE, RUNS)),
    Row("container_copy", ", a folder", {"container": "row", "path": "C:\\context", "src": "{{ work }}/context"},
        (GONE, RUNS)),
    Row("container_copy", ", out", {"container": "row", "path": FILE, "src": "{{ work }}/{{ run }}.txt", "fetch": True},
        KEPT),
    Row("prune", ", containers and volumes",
        {"containers": True, "containers_filters": {"label": "row={{ run }}"}, "volumes": True,
         "volumes_filters": {"all": True, "label": "row={{ run }}"}},
        (GONE, _volume(labels=LABELS, recreate="always"), ours("container", **WEB, state="present", labels=LABELS))),
    Row("prune", ", networks", {"networks": True, "networks_filters": {"label": "row={{ run }}"}},
        (ours("network", name="row", labels=LABELS),)),
    Row("prune", ", images", {"images": True, "images_filters": {"label": "row={{ run }}"}},
        (_dangling(1), _dangling(2)), needs=BASE),
    Row("tunnel", "present", {}, changes=False),
    Row("tunnel", "absent", {"state": "absent"}, (ours("tunnel"),), changes=False),
    Row("host_info", "", {}, changes=False),
    Row("doctor", "", {"only": ["windows", "build", "architecture"]}, changes=False),
    Row("engine", "present", ENGINE, (NO_ENGINE,), needs=SOURCE),
    Row("engine", "present, upgraded", {**ENGINE, "version": "28.5.1", "source": "{{ source2 }}",
                                        "checksum": "{{ checksum2 }}"}, (ours("engine", **ENGINE),), needs=SOURCE),
    Row("engine", "absent", {"state": "absent", "running_containers": "stop"}, (ours("engine", **ENGINE),),
        needs=SOURCE),
    Row("engine_config", "", {"settings": {"labels": ["row={{ run }}"], "debug": True}},
        (ours("engine_config", settings={"labels": None, "debug": None}),)),
    Row("engine_request", "", {"path": "/version"}, changes=False),
    Row("engine_request", ", that changes something",
        {"method": "POST", "path": "/volumes/create", "body": '{"Name": "row"}',
         "headers": {"Content-Type": "application/json"}}, again=True),
    Row("host_feature", "present", {"name": ["Telnet-Client"], "method": "roles"},
        (ours("host_feature", name=["Telnet-Client"], method="roles", state="absent"),)),
    Row("host_feature", "present, optional", {"name": ["TelnetClient"], "method": "optional"},
        (ours("host_feature", name=["TelnetClient"], method="optional", state="absent"),)),
    Row("host_feature", "present, where a restart is due then", {"name": ["Containers"]},
        document={"features": {"Containers": "Available"}}),
    Row("host_feature", "absent", {"name": ["Telnet-Client"], "state": "absent", "method": "roles"},
        (ours("host_feature", name=["Telnet-Client"], method="roles"),)),
    Row("host_service", "started", {"name": "Spooler", "state": "started"},
        (ours("host_service", name="Spooler", state="stopped", start_mode="manual"),)),
    Row("host_service", "stopped", {"name": "Spooler", "state": "stopped"},
        (ours("host_service", name="Spooler", state="started", start_mode="manual"),)),
    Row("host_service", "restarted", {"name": "Spooler", "state": "restarted"},
        (ours("host_service", name="Spooler", start_mode="manual"),), again=True),
    Row("host_service", ", set up", {"name": "Spooler", "start_mode": "delayed", "environment": {"ROW": "grüße"}},
        (ours("host_service", name="Spooler", start_mode="manual", environment={"ROW": None}),)),
    Row("host_firewall", "present", RULE, (ours("host_firewall", name="row", state="absent"),)),
    Row("host_firewall", "absent", {"name": "row", "state": "absent"}, (ours("host_firewall", **RULE),)),
    Row("defender_exclusion", "present", {"paths": ["C:\\röw"]},
        (ours("defender_exclusion", paths=["C:\\röw"], state="absent"),)),
    Row("defender_exclusion", "absent", {"paths": ["C:\\röw"], "state": "absent"},
        (ours("defender_exclusion", paths=["C:\\röw"]),)),
    Row("host_reboot", "", {"running_containers": "stop"}, again=True, needs=RESTART),
    Row("host_reboot", ", where one is due", {"policy": "if_required", "running_containers": "stop"},
        document={"pending_reboot": ["windows-update"]}, needs=RESTART),
)
BUILDS = (14393, 17763, 20348, 26100)
CONNECTIONS = ("winrm", "psrp", "ssh")


def cases(*, every: bool = False) -> list[tuple[int, str, Row]]:
    """Each row by one connection on one build in turn, so that each of both meets many modules; or by all on all."""
    if every:
        return [(build, connection, row) for build in BUILDS for connection in CONNECTIONS for row in ROWS]
    return [(BUILDS[at % len(BUILDS)], CONNECTIONS[at % len(CONNECTIONS)], row) for at, row in enumerate(ROWS)]
