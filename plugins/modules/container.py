#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.container``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: container
short_description: Manage containers of a Windows container host
version_added: 0.1.0
description:
  - Makes containers of the Docker engine on a Windows host as they shall be, starts, stops and removes them.
  - Options that are not given are not compared. A container that differs is made anew, except for its restart
    policy and its networks, which are changed in place.
  - The diff and RV(differences) say what differs.
author:
  - The wcow authors (@wcow)
extends_documentation_fragment:
  - wcow.containers.engine
  - wcow.containers.attributes
  - wcow.containers.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the container.
    type: str
    required: true
  state:
    description:
      - V(started) makes the container when it has to, and starts it.
      - V(healthy) also waits until its health check says so.
      - V(present) makes it and starts nothing.
      - V(stopped) makes it and stops it.
      - V(absent) stops and removes it.
    type: str
    choices: [started, healthy, present, stopped, absent]
    default: started
  image:
    description:
      - Image of the container. A container that is there keeps its image when not given.
    type: str
  pull:
    description:
      - When the image is pulled, see M(wcow.containers.image).
    type: str
    choices: [missing, always, never]
    default: missing
  recreate:
    description:
      - Make the container anew even when nothing differs.
    type: bool
    default: false
  restart:
    description:
      - Restart a container that runs already.
    type: bool
    default: false
  command:
    description:
      - Program and arguments in place of the image's.
    type: list
    elements: str
  entrypoint:
    description:
      - Entry point in place of the image's.
    type: list
    elements: str
  env:
    description:
      - Environment variables. Names are compared without case, as Windows does.
    type: dict
    default: {}
  labels:
    description:
      - Labels.
    type: dict
    default: {}
  mounts:
    description:
      - Folders, volumes and pipes of the host in the container.
    type: list
    elements: dict
    default: []
    suboptions:
      target:
        description:
          - Path in the container. Windows mounts nothing over C(C:\\) itself.
        type: str
        required: true
      source:
        description:
          - Folder of the host, name of a volume, or pipe.
        type: str
      type:
        description:
          - Kind of the source.
        type: str
        choices: [bind, volume, npipe]
        default: bind
      read_only:
        description:
          - Whether programs may only read there.
        type: bool
        default: false
  published_ports:
    description:
      - >-
        Ports of the container on the host: V(80), V(8080:80), V(53:53/udp).
    type: list
    elements: str
    aliases: [ports]
    default: []
  exposed_ports:
    description:
      - Ports that are only exposed.
    type: list
    elements: str
    default: []
  networks:
    description:
      - Networks of the container. The first one is joined at its creation.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the network.
        type: str
        required: true
      aliases:
        description:
          - Names of the container in the network.
        type: list
        elements: str
      ipv4_address:
        description:
          - Address in the network.
        type: str
  network_mode:
    description:
      - Network of the container, or V(none).
    type: str
  isolation:
    description:
      - V(process) shares the host's kernel, V(hyperv) has its own. The engine's default when not given.
    type: str
    choices: [process, hyperv]
  memory:
    description:
      - Limit of memory, like V(512m) or V(2g).
    type: str
  cpus:
    description:
      - Limit of processors, like V(1.5).
    type: float
  user:
    description:
      - Account, like V(ContainerUser).
    type: str
  working_dir:
    description:
      - Folder in which the program starts.
    type: str
  hostname:
    description:
      - Name of the container's computer.
    type: str
  domainname:
    description:
      - Domain of the container's computer.
    type: str
  credential_spec:
    description:
      - >-
        Credential spec of a group managed service account: V(file://web.json), V(registry://web), V(raw://…).
    type: str
  restart_policy:
    description:
      - When the engine starts the container again.
    type: str
    choices: ["no", always, on-failure, unless-stopped]
  restart_retries:
    description:
      - Most tries of O(restart_policy=on-failure).
    type: int
  healthcheck:
    description:
      - How the engine looks whether the container is healthy.
    type: dict
    suboptions:
      test:
        description:
          - A program with arguments, or a line for the shell, or V(NONE).
        type: raw
      interval:
        description:
          - Time between two looks, like V(30s).
        type: str
      timeout:
        description:
          - Time that a look may take.
        type: str
      start_period:
        description:
          - Time after the start in which failures do not count.
        type: str
      retries:
        description:
          - Failures in a row that make it unhealthy.
        type: int
  healthy_wait_timeout:
    description:
      - Seconds to wait for O(state=healthy).
    type: int
    default: 300
  log_driver:
    description:
      - Where output is kept.
    type: str
  log_options:
    description:
      - Options of the log driver.
    type: dict
    default: {}
  storage_opts:
    description:
      - Storage options, like V(size).
    type: dict
    default: {}
  dns_servers:
    description:
      - Name servers.
    type: list
    elements: str
  dns_search_domains:
    description:
      - Domains in which short names are looked up.
    type: list
    elements: str
  etc_hosts:
    description:
      - Further names in the container's hosts file, with their addresses.
    type: dict
    default: {}
  interactive:
    description:
      - Keep standard input open, which keeps a shell up.
    type: bool
    default: false
  tty:
    description:
      - Give the program a terminal.
    type: bool
    default: false
  auto_remove:
    description:
      - Remove the container when it ends.
    type: bool
    default: false
  stop_signal:
    description:
      - Signal that asks the program to end.
    type: str
  stop_timeout:
    description:
      - Seconds that the program has to end before it is killed.
    type: int
  force_kill:
    description:
      - Kill the program at once in place of asking it.
    type: bool
    default: false
  registry_username:
    description:
      - User at the image's registry. It goes with the call that needs it and is kept nowhere.
    type: str
  registry_password:
    description:
      - Password of O(registry_username).
    type: str
  registry_token:
    description:
      - Identity token at the image's registry, in place of user and password.
    type: str
"""

EXAMPLES = r"""
---
- name: The service, with a folder of the host
  wcow.containers.container:
    name: web
    image: registry.example.com/app:1.4
    published_ports:
      - "8080:80"
    mounts:
      - source: C:\test
        target: C:\example
    env:
      MODE: production
    restart_policy: unless-stopped

- name: Gone
  wcow.containers.container:
    name: web
    state: absent
"""

RETURN = r"""
---
container:
  description: The container as the engine describes it, variables and log options by their names alone.
  returned: always
  type: dict
  sample: {"Name": "/web", "State": {"Status": "running"}}
differences:
  description: What was other than wanted, a sentence each. Values of variables and log options are not told.
  returned: always
  type: list
  elements: str
  sample: ["restart is 'no', wanted is 'always'"]
actions:
  description: What was done, or would be done in check mode, step by step.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wcow.containers.plugins.module_utils._specs import SPECS


def main() -> None:
    """Say that a module of this kind runs on the control node only."""
    module = AnsibleModule(supports_check_mode=True, **SPECS["container"])
    module.fail_json(msg="wcow.containers.container works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
