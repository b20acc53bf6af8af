#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.container_info``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: container_info
short_description: Get facts of containers of a Windows container host
version_added: 0.1.0
description:
  - Returns one container or all containers of the Docker engine on a Windows host.
author:
  - The wcow authors (@wcow)
extends_documentation_fragment:
  - wcow.containers.engine
  - wcow.containers.attributes
  - wcow.containers.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: This module changes nothing.
  diff_mode:
    support: N/A
    details: This module changes nothing.
  idempotent:
    support: full
options:
  name:
    description:
      - Name or ID of a container. All containers when not given.
    type: str
  all:
    description:
      - Return containers that do not run, too.
    type: bool
    default: true
  show_env:
    description:
      - Return the values of environment variables and of the log driver's options, which may be secrets.
      - Their names alone when V(false).
    type: bool
    default: false
  filters:
    description:
      - >-
        Filters of the engine's API: names with a value or a list of values (label, status, ancestor, isolation).
    type: dict
"""

EXAMPLES = r"""
---
- name: What runs
  wcow.containers.container_info:
    all: false
  register: running
"""

RETURN = r"""
---
exists:
  description: Whether there is such a container.
  returned: always
  type: bool
  sample: true
containers:
  description: The containers as the engine describes them.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wcow.containers.plugins.module_utils._specs import SPECS


def main() -> None:
    """Say that a module of this kind runs on the control node only."""
    module = AnsibleModule(supports_check_mode=True, **SPECS["container_info"])
    module.fail_json(msg="wcow.containers.container_info works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
