# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs modules inside a Windows container of any engine."""

from __future__ import annotations

DOCUMENTATION = r"""
name: container
author:
  - The wcow authors (@wcow)
version_added: 0.1.0
short_description: Run tasks inside a Windows container
description:
  - Runs modules inside a running Windows container, by the API of the engine that it belongs to. The container needs
    neither WinRM nor ssh.
  - C(ansible.builtin.raw) is a line of C(cmd). Modules of PowerShell run in images that have it, like Server Core.
  - >-
    In images without PowerShell, like nanoserver, C(ansible.windows.win_command), and C(ansible.windows.win_shell)
    with C(executable=cmd), run too, without it. All other modules fail there with an error that says so; set
    C(gather_facts=false).
  - Files go by the engine's archive call; into mounts, and into containers with Hyper-V isolation, by a program in the
    container.
requirements:
  - h11 on the control node
options:
  remote_addr:
    description: Name or id of the container.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_wcow_container
  remote_user:
    description: Account that programs run as. The image's own when not given.
    type: str
    default: ''
    vars:
      - name: ansible_user
      - name: ansible_wcow_user
  engine_host:
    description:
      - Host of the inventory whose engine has the container. It is reached by that host's own connection, which is
        C(winrm), C(psrp) or C(ssh).
    type: str
    vars:
      - name: ansible_wcow_engine_host
  docker_host:
    description:
      - Address of the engine, like V(tcp://host:2376) or V(unix:///run/wcow/engine.sock).
      - The engine that C(docker) would use on the control node, when neither this nor O(engine_host) is given.
    type: str
    vars:
      - name: ansible_wcow_docker_host
  docker_context:
    description: Context of C(docker) on the control node that names the engine.
    type: str
    vars:
      - name: ansible_wcow_docker_context
  tls_ca_cert:
    description: Certificate authority of an engine at O(docker_host), a PEM file.
    type: path
    vars:
      - name: ansible_wcow_tls_ca_cert
  tls_client_cert:
    description: Client certificate for an engine at O(docker_host), a PEM file.
    type: path
    vars:
      - name: ansible_wcow_tls_client_cert
  tls_client_key:
    description: Key of O(tls_client_cert).
    type: path
    vars:
      - name: ansible_wcow_tls_client_key
  powershell:
    description:
      - Program that is PowerShell in the container. C(powershell), else C(pwsh), when not given.
    type: str
    default: ''
    vars:
      - name: ansible_wcow_powershell
  exec_timeout:
    description: Seconds that a program may take.
    type: int
    default: 3600
    vars:
      - name: ansible_wcow_exec_timeout
  hostvars:
    description: The variables of the inventory's hosts, among which O(engine_host) is looked up. Ansible sets it.
    type: raw
    vars:
      - name: hostvars
"""

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from ...imagebuild.containers import CommandError, Container, Home, Outcome, Spec
from ...imagebuild.containers.inside.execute import cmd_words
from ...imagebuild.dockerapi import Client, shapes
from ...imagebuild.errors import NotFoundError, WcowError
from ..plugin_utils._errors import failure
from ..plugin_utils._resources.container import find
from ..plugin_utils._task import TaskError, plain
from ..plugin_utils._ways.by_cmd import by_cmd, run_by_cmd
from ..plugin_utils._ways.engine import engine_at
from ..plugin_utils._ways.inventory_host import engine_of

display = Display()

_ENCODED = re.compile(r"\s*powershell(?:\.exe)?((?: +-\w+(?: +\w+)?)* +-EncodedCommand +[\w+/=]+)\s*", re.IGNORECASE)
"""A command of Ansible's shell plugins for PowerShell: words without quotes."""
_NAMES = ("powershell", "pwsh")
_REFUSED = b"PowerShell is not installed for this engine"
"""What the embedded engine's own powershell.exe says until the real one is brought."""
_REACH = 60.0


class Connection(ConnectionBase):  # type: ignore[misc]
    """A container as a host of Ansible."""

    transport = "wcow.containers.container"
    module_implementation_preferences = (".ps1", ".exe", "")
    allow_executable = False
    has_pipelining = True
    always_pipeline_modules = True
    has_native_async = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._shell_type = "cmd"
        super().__init__(*args, **kwargs)
        self._client: Client | None = None
        self._found: shapes.Inspect | None = None

    def _connect(self) -> Connection:
        """Look the container up at its engine."""
        if self._found is not None:
            return self
        name = self._text("remote_addr")
        try:
            self._client = self._engine()
            self._found = find(self._client, name)
        except (TaskError, WcowError) as error:
            raise AnsibleConnectionFailure(_words(error)) from error
        if self._found is None:
            raise AnsibleConnectionFailure(f"there is no container {name} at the engine {self._client.host}")
        if not self._found.state.running:
            raise AnsibleConnectionFailure(f"the container {name} does not run: it is {self._found.state.status}")
        self._connected = True
        return self

    def exec_command(self, cmd: Any, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a line: one of Ansible's own for PowerShell by that, any other by ``cmd``."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        self._connect()
        line = plain(cmd) if isinstance(cmd, str) else cmd.decode("utf-8", "surrogateescape")
        encoded = _ENCODED.fullmatch(line)
        try:
            if encoded is None:
                words, environ = cmd_words(line)
                done = self._run(words, environ, in_data)
            else:
                found = self._powershell(encoded[1].split(), in_data)
                if isinstance(found, dict):
                    return int(bool(found.get("failed"))), json.dumps(found).encode(), b""
                done = found
        except CommandError as error:
            done = error.outcome
        except (TaskError, WcowError) as error:
            raise AnsibleConnectionFailure(_words(error)) from error
        return done.exit_code, done.raw.stdout, done.raw.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the control node to a path in the container."""
        super().put_file(in_path, out_path)
        self._connect()
        source, target = Path(plain(in_path)), _path(out_path)
        display.vvv(f"PUT {source} TO {target}", host=self._text("remote_addr"))
        if not source.exists():
            raise AnsibleFileNotFound(f"cannot copy {source}: nothing is there on the control node")
        try:
            self._box.copy_in(source, target)
        except WcowError as error:
            raise AnsibleError(_words(error)) from error

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the container to a path of the control node."""
        super().fetch_file(in_path, out_path)
        self._connect()
        source, target = _path(in_path), Path(plain(out_path))
        display.vvv(f"FETCH {source} TO {target}", host=self._text("remote_addr"))
        try:
            self._box.copy_out(source, target)
        except NotFoundError as error:
            raise AnsibleFileNotFound(_words(error)) from error
        except WcowError as error:
            raise AnsibleError(_words(error)) from error

    def close(self) -> None:
        """Close the way to the engine."""
        if self._client is not None:
            self._client.close()
        self._client = self._found = None
        self.__dict__.pop("_box", None)
        self._connected = False

    def reset(self) -> None:
        """Look the container up anew with the next command."""
        self.close()

    # --- the engine and the container

    def _engine(self) -> Client:
        through, seconds = self._text("engine_host"), _REACH
        if through:
            return engine_of(self.get_option("hostvars") or {}, through, self._play_context, seconds)
        names = ("docker_host", "docker_context", "tls_ca_cert", "tls_client_cert", "tls_client_key")
        return engine_at({name: self._text(name) for name in names}, seconds)

    @cached_property
    def _box(self) -> Container:
        client, found = self._client, self._found
        if client is None or found is None:
            raise AnsibleConnectionFailure("the connection is closed")
        home = Home(local=False)
        if found.mounts:
            home = Home.of(client.host, client.json("GET", "/info", shape=shapes.Info))
        return Container(client, found.id, Spec(image=found.config.image), home)

    def _run(self, words: Any, environ: Any, in_data: bytes | None) -> Outcome:
        display.vvv(f"EXEC {words[0]} ({len(words)} words, {len(in_data or b'')} bytes of input)",
                    host=self._text("remote_addr"))
        return self._box.run(words, environ=environ, user=self._text("remote_user"), stdin=in_data or b"",
                             timeout=float(self.get_option("exec_timeout")))

    def _powershell(self, arguments: list[str], in_data: bytes | None) -> Outcome | dict[str, Any]:
        """Run a command of PowerShell, or what it is about where there is none: the outcome, or a module's result."""
        for program in (self._text("powershell"),) if self._text("powershell") else _NAMES:
            try:
                done = self._run((program, *arguments), {}, in_data)
            except CommandError:
                continue
            if _REFUSED not in done.raw.stderr + done.raw.stdout:
                return done
        task = by_cmd(in_data)
        if task is None:
            image = self._box.spec.image
            raise AnsibleError(
                f"the container {self._text('remote_addr')} has no PowerShell, in which this task runs. Its image is"
                f" {image}: nanoserver has none, as on Windows; the embedded engine's Server Core has it after 'wcow"
                " powershell install'. Without PowerShell, ansible.builtin.raw, win_command and win_shell with"
                " executable: cmd run; set gather_facts: false")
        return run_by_cmd(self._box, task, user=self._text("remote_user"),
                          seconds=float(self.get_option("exec_timeout")))

    def _text(self, option: str) -> str:
        return str(plain(self.get_option(option)) or "")


def _path(value: Any) -> str:
    """A path without the quotes that a shell plugin may have put around it."""
    text = str(plain(value))
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _words(error: Exception) -> str:
    return str(failure(error)["msg"]) if isinstance(error, WcowError) else str(error)
