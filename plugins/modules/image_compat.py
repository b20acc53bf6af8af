#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.image_compat``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_compat
short_description: Say whether an image runs on a Windows container host
version_added: 0.1.0
description:
  - >-
    Judges an image of the engine, or a Windows version, on the engine's host: whether the engine takes it,
    whether Windows starts it with an isolation, and whether Microsoft supports it.
  - Nothing is started.
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
      - An image of the engine.
    type: str
  os_version:
    description:
      - A Windows version in place of an image, like V(10.0.20348.2113).
    type: str
  candidates:
    description:
      - Images, or tags of one image, for several Windows versions. The one that the engine would take from an index of
        them is judged and named in RV(picked), or one that does better on the host.
      - They need not be there; nothing is pulled.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name of the image with its tag.
        type: str
        required: true
      os_version:
        description:
          - Its Windows version, like V(10.0.20348) or V(ltsc2022). Taken from the tag when not given.
        type: str
  architecture:
    description:
      - Architecture that goes with O(os_version) or O(candidates).
    type: str
  isolation:
    description:
      - Isolation to judge. The host's default when not given.
    type: str
    choices: [process, hyperv]
  fail:
    description:
      - Fail when the image does not run.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Would Windows Server 2025's nanoserver run here
  wcow.containers.image_compat:
    os_version: 10.0.26100.1742
    isolation: process
  register: verdict

- name: Which of the bases fits this host
  wcow.containers.image_compat:
    candidates:
      - name: mcr.microsoft.com/windows/nanoserver:ltsc2019
      - name: mcr.microsoft.com/windows/nanoserver:ltsc2022
      - name: mcr.microsoft.com/windows/nanoserver:ltsc2025
  register: base
"""

RETURN = r"""
---
runs:
  description: Whether the image runs.
  returned: always
  type: str
  sample: "no"
summary:
  description: The answer and the reason that decides, in one line.
  returned: always
  type: str
  sample: "10.0.26100.1742 does not run on 10.0.20348.2113 with process isolation"
remedies:
  description: What would help.
  returned: always
  type: list
  elements: str
  sample: []
verdicts:
  description: The verdicts with their reasons.
  returned: always
  type: dict
  sample: {}
isolation:
  description: The isolation that was judged.
  returned: always
  type: str
  sample: "process"
picked:
  description: The name of the candidate to take. Empty when the engine would take none.
  returned: when O(candidates) was given
  type: str
  sample: "mcr.microsoft.com/windows/nanoserver:ltsc2022"
host:
  description: Version of the host.
  returned: always
  type: str
  sample: "10.0.20348.2113"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.wcow.containers.plugins.module_utils._specs import SPECS


def main() -> None:
    """Say that a module of this kind runs on the control node only."""
    module = AnsibleModule(supports_check_mode=True, **SPECS["image_compat"])
    module.fail_json(msg="wcow.containers.image_compat works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
