# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``wcow.containers.windows_build``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils._facts import version_of

DOCUMENTATION = r"""
name: windows_build
short_description: Find the build number of a Windows version, image or host
version_added: 0.1.0
author:
  - The wcow authors (@wcow)
description:
  - Gives the third number of the version that P(wcow.containers.os_version#filter) finds.
positional: _input
options:
  _input:
    description: What means a version.
    type: raw
    required: true
"""

EXAMPLES = r"""
---
- name: Windows Server 2022 and later
  ansible.builtin.debug:
    msg: This host runs containers of two generations
  when: ansible_facts | wcow.containers.windows_build >= 20348
"""

RETURN = r"""
_value:
  description: The build.
  type: int
"""


def windows_build(value: Any) -> int:
    """The build number of the Windows version that a value means."""
    return int(version_of(value).split(".")[2])


class FilterModule:
    """The plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return what it has, by name."""
        return {"windows_build": windows_build}
