#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.network``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: network
short_description: Manage networks of a Windows container host
version_added: 0.1.0
description:
  - Makes and removes networks of the Docker engine on a Windows host.
  - A network is made anew when its options differ, because Windows changes none in place.
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
    support: partial
    details: Not with O(recreate).
options:
  name:
    description:
      - Name of the network.
    type: str
    required: true
  state:
    description:
      - Whether the network shall be there.
    type: str
    choices: [present, absent]
    default: present
  driver:
    description:
      - Driver of the network. Windows has C(nat), C(transparent), C(l2bridge), C(l2tunnel), C(overlay) and
        C(internal).
      - All but C(nat) and C(internal) take an adapter of the host, see O(allow_adapter_loss).
    type: str
    default: nat
  driver_options:
    description:
      - Options of the driver, like C(com.docker.network.windowsshim.interface).
    type: dict
    default: {}
  internal:
    description:
      - Whether the network has no way out.
    type: bool
    default: false
  ipam_driver:
    description:
      - Who gives addresses.
    type: str
  ipam_config:
    description:
      - Subnets of the network.
    type: list
    elements: dict
    default: []
    suboptions:
      subnet:
        description:
          - A subnet in CIDR notation.
        type: str
      gateway:
        description:
          - Address of the gateway.
        type: str
      iprange:
        description:
          - Part of the subnet from which containers get addresses.
        type: str
      aux_addresses:
        description:
          - Addresses that others have, by name.
        type: dict
  labels:
    description:
      - Labels of the network.
    type: dict
    default: {}
  recreate:
    description:
      - Make the network anew even when nothing differs.
    type: bool
    default: false
  force:
    description:
      - Take containers out of a network that is removed. Without it such a network stays, and the task fails.
    type: bool
    default: false
  allow_adapter_loss:
    description:
      - Make a network that takes the host's first adapter, over which the connection may go and break.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: A network with a subnet of its own
  wcow.containers.network:
    name: backend
    ipam_config:
      - subnet: 172.30.0.0/16
        gateway: 172.30.0.1
"""

RETURN = r"""
---
network:
  description: The network as the engine describes it.
  returned: when it is there
  type: dict
  sample: {"Name": "backend", "Driver": "nat"}
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
    module = AnsibleModule(supports_check_mode=True, **SPECS["network"])
    module.fail_json(msg="wcow.containers.network works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
