#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.prune``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: prune
short_description: Remove what a Windows container host does not use
version_added: 0.1.0
description:
  - Removes stopped containers, unused images, networks and volumes of the Docker engine on a Windows host.
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
  containers:
    description:
      - Remove stopped containers.
    type: bool
    default: false
  containers_filters:
    description:
      - >-
        Filters of the engine's API: names with a value or a list of values (label, until).
    type: dict
  images:
    description:
      - Remove images without a name.
    type: bool
    default: false
  images_filters:
    description:
      - >-
        Filters of the engine's API: names with a value or a list of values (label, until).
    type: dict
  networks:
    description:
      - Remove networks without containers.
    type: bool
    default: false
  networks_filters:
    description:
      - >-
        Filters of the engine's API: names with a value or a list of values (label, until).
    type: dict
  volumes:
    description:
      - Remove volumes without a name that no container uses.
    type: bool
    default: false
  volumes_filters:
    description:
      - >-
        Filters of the engine's API: names with a value or a list of values (label, all).
    type: dict
  builder_cache:
    description:
      - Remove the cache of builds.
    type: bool
    default: false
  builder_cache_filters:
    description:
      - >-
        Filters of the engine's API: names with a value or a list of values (until).
    type: dict
"""

EXAMPLES = r"""
---
- name: Room for the next release
  wcow.containers.prune:
    containers: true
    images: true
    images_filters:
      dangling: "false"
"""

RETURN = r"""
---
space_reclaimed:
  description: Bytes that became free; 0 in check mode.
  returned: always
  type: int
  sample: 0
containers:
  description: Containers that were removed.
  returned: with containers
  type: list
  elements: str
  sample: []
images:
  description: Images that were removed.
  returned: with images
  type: list
  elements: str
  sample: []
networks:
  description: Networks that were removed.
  returned: with networks
  type: list
  elements: str
  sample: []
volumes:
  description: Volumes that were removed.
  returned: with volumes
  type: list
  elements: str
  sample: []
builder_cache:
  description: Entries of the cache that were removed.
  returned: with builder_cache
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
    module = AnsibleModule(supports_check_mode=True, **SPECS["prune"])
    module.fail_json(msg="wcow.containers.prune works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
