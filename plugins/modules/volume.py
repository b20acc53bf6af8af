#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.volume``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: volume
short_description: Manage volumes of a Windows container host
version_added: 0.1.0
description:
  - Makes and removes volumes of the Docker engine on a Windows host.
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
      - Name of the volume.
    type: str
    required: true
  state:
    description:
      - V(present) makes the volume when it is not there.
      - V(absent) removes it with its files.
    type: str
    choices: [present, absent]
    default: present
  driver:
    description:
      - Driver of the volume. The engine's own, V(local), when not given.
    type: str
  driver_options:
    description:
      - Options of the driver.
    type: dict
    default: {}
  labels:
    description:
      - Labels of the volume.
    type: dict
    default: {}
  recreate:
    description:
      - What to do with a volume that is there with other options.
      - V(never) fails, because a new volume loses the old one's files.
      - V(options-changed) makes it anew then, V(always) at each run.
    type: str
    choices: [never, options-changed, always]
    default: never
"""

EXAMPLES = r"""
---
- name: A volume for the application's data
  wcow.containers.volume:
    name: data
    labels:
      owner: web
"""

RETURN = r"""
---
volume:
  description: The volume as the engine describes it.
  returned: when it is there
  type: dict
  sample: {"Name": "data", "Driver": "local"}
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
    module = AnsibleModule(supports_check_mode=True, **SPECS["volume"])
    module.fail_json(msg="wcow.containers.volume works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
