#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.image``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image
short_description: Manage images of a Windows container host
version_added: 0.1.0
description:
  - Pulls, loads, tags, pushes, exports and removes images of the Docker engine on a Windows host.
  - Credentials go with the engine's call, so nothing is stored on the host, where C(docker login) fails in remote
    sessions.
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
      - Name of the image with its tag or digest.
    type: str
    required: true
  state:
    description:
      - Whether the image shall be there.
    type: str
    choices: [present, absent]
    default: present
  pull:
    description:
      - V(missing) pulls an image that is not there.
      - V(always) asks the registry first whether it has another one under the name.
      - V(never) fails when the image is not there.
    type: str
    choices: [missing, always, never]
    default: missing
  archive:
    description:
      - A file of the control node, as C(docker save) and C(wcow copy) write it, from which the image is loaded.
    type: path
  tags:
    description:
      - Further names of the image.
    type: list
    elements: str
    default: []
  push:
    description:
      - Push the image under O(tags), or under O(name) when there are none, where the registry has another one.
    type: bool
    default: false
  export_to:
    description:
      - A file of the control node into which the image is written.
    type: path
  force:
    description:
      - Remove an image that has further names or stopped containers, load and write files even when they look the
        same.
    type: bool
    default: false
  check_login:
    description:
      - Ask the registry whether it takes the credentials, and fail when it does not.
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
- name: The base for this year's services
  wcow.containers.image:
    name: mcr.microsoft.com/windows/nanoserver:ltsc2022

- name: An image from the control node, for a host without a network
  wcow.containers.image:
    name: registry.example.com/app:1.4
    archive: files/app-1.4.tar

- name: Publish it under a second name
  wcow.containers.image:
    name: registry.example.com/app:1.4
    pull: never
    tags:
      - registry.example.com/app:stable
    push: true
    registry_username: ci
    registry_password: "{{ vault_registry_password }}"
"""

RETURN = r"""
---
image:
  description: The image as the engine describes it.
  returned: when it is there
  type: dict
  sample: {"Id": "sha256:1b2c", "OsVersion": "10.0.20348.2113"}
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
    module = AnsibleModule(supports_check_mode=True, **SPECS["image"])
    module.fail_json(msg="wcow.containers.image works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
