#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.tunnel``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: tunnel
short_description: Put the engine of a Windows container host on a socket of the control node
version_added: 0.1.0
description:
  - >-
    Gives the address of a Unix socket on the control node that leads to the engine of the host through its own
    connection. Any module of C(community.docker), C(docker) and C(docker compose) work there unchanged.
  - The socket is there until ansible-playbook ends, and only for the user who runs it.
author:
  - The wcow authors (@wcow)
extends_documentation_fragment:
  - wcow.containers.engine
  - wcow.containers.attributes
  - wcow.containers.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: This module changes nothing on the host.
  diff_mode:
    support: N/A
    details: This module changes nothing on the host.
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) opens the tunnel unless it is open, V(absent) closes it.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
---
- name: A way to the engine of the host
  wcow.containers.tunnel:
  register: tunnel

- name: A module of another collection, which runs here
  community.docker.docker_host_info:
    docker_host: "{{ tunnel.docker_host }}"
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"

- name: Docker's own command line, which runs here
  ansible.builtin.command:
    argv: [docker, compose, up, --detach]
    chdir: /srv/app
  environment: "{{ tunnel.environment }}"
  vars:
    ansible_connection: local
  changed_when: true
"""

RETURN = r"""
---
docker_host:
  description: The address of the engine on the control node.
  returned: when it is present
  type: str
  sample: unix:///home/me/.ansible/tmp/ansible-local-1/0-1.sock
environment:
  description: Variables for programs that look for an engine in their environment.
  returned: when it is present
  type: dict
  sample: {"DOCKER_HOST": "unix:///home/me/.ansible/tmp/ansible-local-1/0-1.sock"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wcow.containers.plugins.module_utils._specs import SPECS


def main() -> None:
    """Say that a module of this kind runs on the control node only."""
    module = AnsibleModule(supports_check_mode=True, **SPECS["tunnel"])
    module.fail_json(msg="wcow.containers.tunnel works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
