# SPDX-License-Identifier: Apache-2.0
"""Playbooks of the tree's collection against a ``wcow host``, by Ansible's own connections."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from imagebuild.hostd.docker import files as docker_files

from . import engine, programs, sandboxes, users, windows_programs

PASSWORD = "pass:word1"
REPOSITORY = Path(__file__).resolve().parents[2]
_CALLBACK = Path(__file__).with_name("ansible_callback")


def collections(folder: Path) -> Path:
    """Make a folder for ``ANSIBLE_COLLECTIONS_PATH`` in which the tree is the collection."""
    place = folder / "ansible_collections" / "wcow"
    place.mkdir(parents=True)
    (place / "containers").symlink_to(REPOSITORY)
    return folder


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task has done: ``state`` is ok, failed, skipped or unreachable."""

    state: str
    task: str
    result: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.result[name]

    @property
    def changed(self) -> bool:
        """Whether the task says that it changed something."""
        return bool(self.result.get("changed"))

    @property
    def text(self) -> str:
        """What a program printed."""
        return str(self.result["stdout"]).replace("\r\n", "\n")

    @property
    def message(self) -> str:
        """Why it failed."""
        return str(self.result.get("msg", ""))


@dataclass(slots=True)
class Played:
    """A playbook that has ended: its tasks' results, and all that it printed."""

    outcomes: list[Outcome]
    printed: str

    def __getitem__(self, at: int) -> Outcome:
        return self.outcomes[at]

    def one(self) -> Outcome:
        """Return the result of the only task."""
        assert len(self.outcomes) == 1, self.printed
        return self.outcomes[0]


@dataclass(slots=True)
class Controller:
    """Runs playbooks against one host with the tree's collection."""

    folder: Path
    variables: dict[str, Any]
    extra: dict[str, str] = field(default_factory=dict)
    program: tuple[str | Path, ...] = ()
    """What starts ansible-playbook, where it is not the one of this Python's environment."""

    def play(self, *tasks: dict[str, Any], arguments: Sequence[str] = ("--diff",), **facts: Any) -> Played:
        """Play tasks, as a playbook has them, on the host; ``facts`` are the play's own keywords."""
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            path = Path(temporary) / "play.yml"
            play = [{"hosts": "all", "gather_facts": False, "tasks": list(tasks), **facts}]
            path.write_text(json.dumps(play), encoding="utf-8")
            return self._run(path, arguments)

    def _run(self, playbook: Path, arguments: Sequence[str]) -> Played:
        program = self.program or (Path(sys.executable).with_name("ansible-playbook"),)
        if not Path(program[0]).exists():
            raise programs.Unavailable("ansible-core is not installed: scripts/setup test")
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            folder = Path(temporary)
            inventory = {"all": {"hosts": {"win": self.variables}}}
            (folder / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
            results = folder / "results"
            environment = {
                **os.environ, "ANSIBLE_COLLECTIONS_PATH": str(self.folder), "ANSIBLE_HOME": str(self.folder / "home"),
                "ANSIBLE_CALLBACK_PLUGINS": str(_CALLBACK), "ANSIBLE_CALLBACKS_ENABLED": "wcow_results",
                "WCOW_RESULTS": str(results), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", **self.extra,
            }
            done = subprocess.run([*program, "-i", folder / "hosts.json", *arguments, playbook],
                                  cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False)
            printed = done.stdout + done.stderr
            rows = [json.loads(line) for line in results.read_text("utf-8").splitlines()] if results.exists() else []
        if not rows and done.returncode != -9:
            pytest.fail(printed)
        return Played([Outcome(row["state"], row["task"], row["result"]) for row in rows], printed)

    def playbook(self, name: str, variables: dict[str, Any], *arguments: str) -> Played:
        """Play a playbook of the collection by its name."""
        return self._run(Path(f"wcow.containers.{name}"), ["-e", json.dumps(variables), *arguments])

    def shell(self, script: str) -> str:
        """Run a script in the host's PowerShell by the module ``raw``; return what it printed."""
        got = self.play(raw(script)).one()
        assert got["rc"] == 0, got
        return got.text


def zipped(files: dict[str, bytes]) -> bytes:
    """Return an archive with these files, the same each time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in files.items():
            packed.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def raw(script: str) -> dict[str, Any]:
    """Return a task that runs a script in the host's PowerShell."""
    return {"ansible.builtin.raw": script}


def thrice(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a task as ``--check``, for real, and again; :func:`steady` looks at what came of it."""
    return [{**task, "check_mode": True}, task, task]


def steady(check: Outcome, real: Outcome, again: Outcome, *, changed: bool = True) -> Outcome:
    """Hold the three of :func:`thrice` to it: check and real run tell the same change, and the second run none."""
    assert (check.state, real.state, again.state) == ("ok", "ok", "ok"), (check, real, again)
    assert (check.changed, real.changed) == (changed, changed), (check, real)
    assert check["diff"] == real["diff"]
    assert not again.changed, again
    return real


@dataclass(frozen=True, slots=True)
class Host:
    """A running ``wcow host``."""

    name: str
    document: dict[str, Any]
    root: Path

    def controller(self, connection: str = "psrp") -> Controller:
        """Return what plays on it by one of Ansible's connections."""
        variables = {
            "ansible_host": "127.0.0.1", "ansible_port": self.document["winrm_port"], "ansible_user": "Administrator",
            "ansible_password": PASSWORD, "ansible_connection": connection, "ansible_psrp_protocol": "http",
            "ansible_psrp_auth": "ntlm", "ansible_winrm_scheme": "http", "ansible_winrm_transport": "ntlm",
        }
        if connection == "ssh":
            variables |= {"ansible_port": self.document["ssh_port"], "ansible_shell_type": "cmd",
                          "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"}
        return Controller(self.root / "controller", variables)

    def put(self, name: str, data: bytes) -> None:
        """Write a file to the top of the host's ``C:``."""
        (self.root / "hosts" / self.name / "drive" / name).write_bytes(data)

    def archive(self, version: str) -> tuple[str, str]:
        """Put an archive of the engine onto the host, as Docker's static ones are; return its path there and its
        checksum."""
        ours = docker_files.our_daemon(self.root / "engine" / "sandbox").read_bytes()
        program = docker_files.with_version(ours, version)
        data = zipped({"docker/dockerd.exe": program,
                       "docker/docker.exe": (windows_programs.docker() / "docker.exe").read_bytes()})
        self.put(f"docker-{version}.zip", data)
        return f"C:\\docker-{version}.zip", hashlib.sha256(data).hexdigest()

    def state(self, **document: Any) -> None:
        """Give the host a state document; what it leaves out is as on a new host."""
        self.wcow("state", self.name, "-", data=json.dumps({"schema": "wcow.hoststate/1", **document}))

    def wcow(self, *words: str, data: str = "") -> str:
        """Run ``wcow host``; return what it printed."""
        return _wcow(self.root, "host", *words, data=data)


@contextlib.contextmanager
def host(*options: str, name: str = "win", docker: Path | None = None, data: str = "") -> Iterator[Host]:
    """Start a host with PowerShell, and with Docker's command line where it is named; remove it at the end. ``data`` is
    the standard input of ``wcow host start``."""
    with sandboxes.folder() as root:
        (root / "engine").mkdir()
        engine.template(root / "engine" / "sandbox", users.ourselves())
        (root / "controller").mkdir()
        collections(root / "controller")
        _wcow(root, "powershell", "install", "--from", str(windows_programs.powershell()))
        if docker is not None:
            _wcow(root, "host", "docker-cli", "install", "--from", str(docker))
        try:
            document = json.loads(_wcow(root, "host", "start", name, *options, "--format", "json", data=data))
            yield Host(name, document, root)
        finally:
            _wcow(root, "host", "remove", "-f", name)
            shutil.rmtree(root / "controller", ignore_errors=True)


def _wcow(root: Path, *words: str, data: str = "") -> str:
    environment = {**os.environ, "WCOW_ENGINE_ROOT": str(root / "engine"), "WCOW_HOST_PASSWORD": PASSWORD}
    done = subprocess.run([sys.executable, "-m", "imagebuild", *words], env=environment, cwd=REPOSITORY, input=data,
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise AssertionError(f"wcow {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout
