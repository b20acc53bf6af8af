#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.image_info``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_info
short_description: Get facts of images of a Windows container host
version_added: 0.1.0
description:
  - Returns images of the Docker engine on a Windows host.
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
      - Names or IDs of images. All images when not given.
    type: list
    elements: str
    default: []
  filters:
    description:
      - >-
        Filters of the engine's API: names with a value or a list of values (dangling, label, reference).
    type: dict
"""

EXAMPLES = r"""
---
- name: Is the base there
  wcow.containers.image_info:
    name:
      - mcr.microsoft.com/windows/nanoserver:ltsc2022
  register: base
"""

RETURN = r"""
---
images:
  description: The images as the engine describes them.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wcow.containers.plugins.module_utils._specs import SPECS


def main() -> None:
    """Say that a module of this kind runs on the control node only."""
    module = AnsibleModule(supports_check_mode=True, **SPECS["image_info"])
    module.fail_json(msg="wcow.containers.image_info works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
