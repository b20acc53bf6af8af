# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The test ``wcow.containers.compatible_with``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ...imagebuild.compat import check, engine_of
from ...imagebuild.errors import quoted
from ..plugin_utils._facts import host_of, image_of

DOCUMENTATION = r"""
name: compatible_with
short_description: Whether an image runs on a host
version_added: 0.1.0
author:
  - The wcow authors (@wcow)
description:
  - >-
    True when containers of the image start on the host, with Hyper-V isolation where the engine would choose it or it
    is asked for. False when they do not, or when too little is known to tell.
positional: _input, host
options:
  _input:
    description: An image of M(wcow.containers.image_info), a version, a release, or a tag of a base image.
    type: raw
    required: true
  host:
    description: Facts of the host by C(setup) or M(wcow.containers.host_info), an engine's information, or a version.
    type: raw
    required: true
  isolation:
    description: The isolation, V(process) or V(hyperv). The one that the engine chooses when not given.
    type: str
"""

EXAMPLES = r"""
---
- name: Only where it runs
  wcow.containers.container:
    name: app
    image: example/app:1
  when: "'ltsc2022' is wcow.containers.compatible_with(ansible_facts)"
"""

RETURN = r"""
_value:
  description: Whether it runs.
  type: bool
"""


def compatible_with(value: Any, host: Any, isolation: str | None = None) -> bool:
    """Whether an image runs on a host."""
    known = host_of(host)
    chosen = None if isolation is None else str(isolation)
    if chosen not in (None, "process", "hyperv"):
        raise AnsibleFilterError(f"{quoted(chosen)} is not an isolation: process and hyperv are")
    return check(known, image_of(value), chosen, engine=engine_of(known)).runs == "yes"  # type: ignore[arg-type]


class TestModule:
    """The plugin."""

    def tests(self) -> dict[str, Callable[..., Any]]:
        """Return what it has, by name."""
        return {"compatible_with": compatible_with}
