#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.container_exec``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: container_exec
short_description: Run a program in a container of a Windows container host
version_added: 0.1.0
description:
  - Runs a program in a container that runs, through the engine's API, so nothing is quoted on the host.
author:
  - The wcow authors (@wcow)
extends_documentation_fragment:
  - wcow.containers.engine
  - wcow.containers.attributes
  - wcow.containers.attributes.actiongroup
attributes:
  check_mode:
    support: partial
    details: A program is run only outside of check mode, where the task counts as changed.
  diff_mode:
    support: none
    details: What a program changes is not known.
  idempotent:
    support: partial
    details: A program runs at each run, unless O(creates) is there.
options:
  container:
    description:
      - Name or ID of the container.
    type: str
    required: true
    aliases: [name]
  argv:
    description:
      - Program and arguments.
    type: list
    elements: str
  command:
    description:
      - A line for C(cmd).
    type: str
  powershell:
    description:
      - A script for the container's PowerShell.
    type: str
  chdir:
    description:
      - Folder in which the program starts.
    type: str
  env:
    description:
      - Further environment variables.
    type: dict
    default: {}
  user:
    description:
      - Account, like V(ContainerAdministrator).
    type: str
  stdin:
    description:
      - Text for the program's standard input.
    type: str
  creates:
    description:
      - A path of the container. When it is there, nothing is run.
    type: str
  success_codes:
    description:
      - Exit codes that are no failure.
    type: list
    elements: int
    default: [0]
  exec_timeout:
    description:
      - Seconds that the program may take.
    type: int
    default: 300
"""

EXAMPLES = r"""
---
- name: What is in the mounted folder
  wcow.containers.container_exec:
    container: web
    command: type C:\example\win2016_me.txt
  register: file
"""

RETURN = r"""
---
rc:
  description: Exit code, without a sign as Windows has it.
  returned: when a program ran
  type: int
  sample: 0
ntstatus:
  description: Name of the NTSTATUS that the exit code is.
  returned: when it is one
  type: str
  sample: "STATUS_CONTROL_C_EXIT"
stdout:
  description: What the program printed.
  returned: when a program ran
  type: str
  sample: "hello"
stderr:
  description: What the program printed as errors.
  returned: when a program ran
  type: str
  sample: ""
stdout_lines:
  description: The same, line by line.
  returned: when a program ran
  type: list
  elements: str
  sample: ["hello"]
stderr_lines:
  description: The same, line by line.
  returned: when a program ran
  type: list
  elements: str
  sample: []
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
    module = AnsibleModule(supports_check_mode=True, **SPECS["container_exec"])
    module.fail_json(msg="wcow.containers.container_exec works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
