#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation and arguments of ``wcow.containers.image_build``; an action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: image_build
short_description: Build a Windows image on the control node, without Windows
version_added: 0.1.0
description:
  - >-
    Builds a Windows image from a Dockerfile on the control node and loads it into the engine of the host. Nothing is
    built on the host.
  - The same files give the same image, so an image that the host has already is not sent again.
author:
  - The wcow authors (@wcow)
extends_documentation_fragment:
  - wcow.containers.engine
  - wcow.containers.attributes
  - wcow.containers.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: A check builds, too, for only the image tells whether the host has it. The host is not changed.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the image, with its tag.
    type: str
    required: true
  path:
    description:
      - The context, a folder or tarball of the control node, or an address of a tarball or a git repository.
    type: str
    required: true
  dockerfile:
    description:
      - The Dockerfile, relative to the working directory, then to the context. C(Dockerfile) when not given.
    type: str
  target:
    description:
      - Build up to this stage.
    type: str
  args:
    description:
      - Values for C(ARG).
    type: dict
    default: {}
  labels:
    description:
      - Labels of the image.
    type: dict
    default: {}
  platform:
    description:
      - What to build for, like V(windows/amd64) or V(windows(10.0.20348\)/amd64).
    type: str
  os_version:
    description:
      - Windows version to build for, C(10.0.BUILD) or C(10.0.BUILD.REVISION), where the base has several.
    type: str
  pull:
    description:
      - Ask registries for the bases, also when the local store has them.
    type: bool
    default: false
  nocache:
    description:
      - Build each step anew.
    type: bool
    default: false
  lint:
    description:
      - What is done when Windows would refuse the image.
    type: str
    choices: [error, warn, 'off']
    default: error
  load:
    description:
      - Load the image into the engine of the host.
    type: bool
    default: true
  archive:
    description:
      - Write the image to this file of the control node, as C(docker save) does.
    type: path
  mirrors:
    description:
      - Rules like V(mcr.microsoft.com=registry.example.com/mcr) that say where images of a registry are fetched from.
    type: list
    elements: str
    default: []
  offline:
    description:
      - Ask no registry; bases are those of the local store.
    type: bool
    default: false
  store:
    description:
      - Folder of the local store, which keeps bases and what was built. That of the user when not given.
    type: path
  cache:
    description:
      - Folder for what can be made again. That of the user when not given.
    type: path
requirements:
  - zstandard, filelock and requests on the control node
"""

EXAMPLES = r"""
---
- name: An image of our application on each host
  wcow.containers.image_build:
    name: example/app:1.4
    path: ./app
    args:
      VERSION: "1.4"
"""

RETURN = r"""
---
id:
  description: ID of the image, the digest of its configuration.
  returned: always
  type: str
  sample: sha256:4f5c…
digest:
  description: Digest of the manifest in the local store.
  returned: always
  type: str
  sample: sha256:9a1e…
os_version:
  description: The Windows version that the image is for.
  returned: always
  type: str
  sample: 10.0.20348.2402
image:
  description: The image as the engine describes it.
  returned: always
  type: dict
  sample: {"Id": "sha256:4f5c…"}
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
    module = AnsibleModule(supports_check_mode=True, **SPECS["image_build"])
    module.fail_json(msg="wcow.containers.image_build works through its action plugin, on the control node")


if __name__ == "__main__":
    main()
