# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``wcow.containers.os_version``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils._facts import version_of

DOCUMENTATION = r"""
name: os_version
short_description: Find the Windows version that a text, an image or a host means
version_added: 0.1.0
author:
  - The wcow authors (@wcow)
description:
  - >-
    Gives C(10.0.BUILD), with the revision where it is known, of a release (V(ltsc2022), V(21H2)), a tag of a base
    image, a build, an image of M(wcow.containers.image_info), or facts of a host.
positional: _input
options:
  _input:
    description: What means a version.
    type: raw
    required: true
"""

EXAMPLES = r"""
---
- name: A base that fits the host
  ansible.builtin.debug:
    msg: "{{ 'ltsc2022' | wcow.containers.os_version }}"
"""

RETURN = r"""
_value:
  description: The version.
  type: str
"""


def os_version(value: Any) -> str:
    """The Windows version that a value means."""
    return version_of(value)


class FilterModule:
    """The plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return what it has, by name."""
        return {"os_version": os_version}
