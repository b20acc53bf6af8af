# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The containers of engines as hosts of the inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: containers
author:
  - The wcow authors (@wcow)
version_added: 0.1.0
short_description: Windows containers as inventory hosts
description:
  - Makes a host of each container of one engine, or of the engines of hosts that are in the inventory already. Tasks
    run in it by the connection P(wcow.containers.container#connection).
  - >-
    Containers are grouped by image, Windows build, isolation and label: C(image_servercore_ltsc2022), C(build_20348),
    C(isolation_process), C(label_role_web).
  - >-
    A container has the variables C(wcow_name), C(wcow_id), C(wcow_image), C(wcow_state), C(wcow_isolation),
    C(wcow_os_version), C(wcow_build), C(wcow_labels), C(wcow_networks) (addresses by network) and C(wcow_engine_host).
  - The file's name ends with C(wcow.yml), C(wcow.yaml), C(wcow_containers.yml) or C(wcow_containers.yaml).
extends_documentation_fragment:
  - ansible.builtin.constructed
requirements:
  - h11 on the control node
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices:
      - wcow.containers.containers
  engine_hosts:
    description:
      - Hosts and groups of the inventory whose engines are asked, through their own connections. Their source comes
        before this one on the command line. A container is C(NAME@HOST) then.
    type: list
    elements: str
    default: []
  docker_host:
    description:
      - Address of the engine, like V(unix:///run/wcow/engine.sock) or V(tcp://host:2376).
      - The engine that C(docker) would use, when neither this, O(docker_context) nor O(engine_hosts) is given.
    type: str
  docker_context:
    description: Context of C(docker) on the control node that names the engine.
    type: str
  tls_ca_cert:
    description: Certificate authority of an engine at O(docker_host), a PEM file.
    type: path
  tls_client_cert:
    description: Client certificate for an engine at O(docker_host), a PEM file.
    type: path
  tls_client_key:
    description: Key of O(tls_client_cert).
    type: path
  stopped:
    description: Whether containers that do not run are hosts too. No task can run in these.
    type: bool
    default: false
  filters:
    description: Filters of the engine, like C(label) or C(name); each has a text or a list of texts.
    type: dict
    default: {}
  group_by:
    description: What containers are grouped by.
    type: list
    elements: str
    choices: [image, build, isolation, label]
    default: [image, build, isolation, label]
  skip_unreachable:
    description: Whether an engine that cannot be reached is a warning, and its containers are left out.
    type: bool
    default: false
"""

EXAMPLES = r"""
# the containers of this machine's embedded engine: local.wcow.yml
plugin: wcow.containers.containers
docker_host: unix:///run/user/1000/wcow/engine.sock

# the web servers on all hosts of the group windows: ansible-inventory -i hosts.yml -i web.wcow.yml --graph
---
plugin: wcow.containers.containers
engine_hosts: [windows]
filters:
  label: role=web
keyed_groups:
  - key: wcow_labels.tier
    prefix: tier
compose:
  ansible_wcow_user: "'ContainerUser' if wcow_isolation == 'process' else 'ContainerAdministrator'"
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.helpers import get_group_vars
from ansible.playbook.play_context import PlayContext
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.utils.vars import combine_vars

from ...imagebuild.dockerapi import Client
from ...imagebuild.errors import WcowError
from ..plugin_utils._containers import facts_of, groups_of
from ..plugin_utils._errors import failure
from ..plugin_utils._task import TaskError, plain
from ..plugin_utils._ways.engine import engine_at
from ..plugin_utils._ways.inventory_host import engine_of

_ENDS = tuple(f"{name}.{end}" for name in ("wcow", "wcow_containers") for end in ("yml", "yaml"))
_PLACE = ("docker_host", "docker_context", "tls_ca_cert", "tls_client_cert", "tls_client_key")
_SECONDS = 60.0


class InventoryModule(BaseInventoryPlugin, Constructable):  # type: ignore[misc]
    """See DOCUMENTATION."""

    NAME = "wcow.containers.containers"

    def verify_file(self, path: str) -> bool:
        """Whether the file is one of ours, by its name."""
        return bool(super().verify_file(path)) and path.endswith(_ENDS)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """See :meth:`ansible.plugins.inventory.BaseInventoryPlugin.parse`."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for host in self._engine_hosts() or [""]:
            where = f"the engine of {host}" if host else "the engine"
            try:
                client = self._engine(host)
                found = facts_of(client, stopped=bool(self.get_option("stopped")),
                                 filters=plain(self.get_option("filters")))
            except (TaskError, WcowError) as error:
                why = str(failure(error)["msg"]) if isinstance(error, WcowError) else str(error)
                if not self.get_option("skip_unreachable"):
                    raise AnsibleError(f"{where} does not tell its containers: {why}") from error
                self.display.warning(f"{where} does not tell its containers: {why}")
                continue
            for facts in found:
                self._add(facts, host)

    def _engine_hosts(self) -> list[str]:
        names: dict[str, None] = {}
        for name in plain(self.get_option("engine_hosts")):
            if name in self.inventory.groups:
                names.update(dict.fromkeys(str(one.name) for one in self.inventory.groups[name].get_hosts()))
            elif name in self.inventory.hosts:
                names[name] = None
            else:
                raise AnsibleError(f"engine_hosts names {name}, and the inventory has no host or group of that name:"
                                   " its source comes before this one")
        return list(names)

    def _engine(self, host: str) -> Client:
        if host:
            return engine_of(_Variables(self.inventory, self.templar), host, PlayContext(), _SECONDS)
        return engine_at({name: plain(self.get_option(name)) for name in _PLACE}, _SECONDS)

    def _add(self, facts: dict[str, Any], engine_host: str) -> None:
        name = f"{facts['wcow_name']}@{engine_host}" if engine_host else str(facts["wcow_name"])
        self.inventory.add_host(name)
        variables = {**facts, "wcow_engine_host": engine_host, "ansible_connection": "wcow.containers.container",
                     "ansible_wcow_container": facts["wcow_name"]}
        if engine_host:
            variables["ansible_wcow_engine_host"] = engine_host
        else:
            variables.update({f"ansible_wcow_{key}": self.get_option(key) for key in _PLACE if self.get_option(key)})
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        for group in groups_of(facts, plain(self.get_option("group_by"))):
            self.inventory.add_host(name, group=self.inventory.add_group(self._sanitize_group_name(group)))
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


class _Variables(Mapping[str, Any]):
    """The variables of hosts, as sources of the inventory before this one gave them."""

    def __init__(self, inventory: Any, templar: Any) -> None:
        self._inventory = inventory
        self._templar = templar

    def __getitem__(self, name: str) -> Any:
        host = self._inventory.hosts[name]
        variables = combine_vars(get_group_vars(host.get_groups()), host.get_vars())
        self._templar.available_variables = variables
        return {key: self._templar.template(value) if str(key).startswith("ansible_") else value
                for key, value in variables.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._inventory.hosts)

    def __len__(self) -> int:
        return len(self._inventory.hosts)
