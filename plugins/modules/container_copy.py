#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.container_copy``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: container_copy
short_description: Copy files into and out of containers of a Windows container host
version_added: 0.1.0
description:
  - Copies files between the control node and a container, and compares them by their content.
  - The container has to run where folders on the way to O(path) have to be made, for a program in it makes them.
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
  container:
    description:
      - Name or ID of the container.
    type: str
    required: true
    aliases: [name]
  path:
    description:
      - Absolute path in the container.
    type: str
    required: true
  src:
    description:
      - File or folder of the control node; with O(fetch=true) where the copy goes.
    type: path
  content:
    description:
      - Text of the file, in place of O(src).
    type: str
  fetch:
    description:
      - Copy out of the container.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Settings
  wcow.containers.container_copy:
    container: web
    path: C:\app\settings.json
    content: "{{ settings | to_json }}"
"""

RETURN = r"""
---
path:
  description: Path in the container.
  returned: always
  type: str
  sample: "C:\\\\app\\\\settings.json"
sha256:
  description: Digest of the content.
  returned: with content
  type: str
  sample: "sha256:2cf2"
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
    module = AnsibleModule(supports_check_mode=True, **SPECS["container_copy"])
    module.fail_json(msg="wcow.containers.container_copy works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
