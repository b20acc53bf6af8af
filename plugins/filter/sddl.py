# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``wcow.containers.sddl``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ...imagebuild.errors import WcowError
from ...imagebuild.windows import describe, parse_sddl
from ..plugin_utils._task import plain

DOCUMENTATION = r"""
name: sddl
short_description: Say in words what a security descriptor means
version_added: 0.1.0
author:
  - The wcow authors (@wcow)
description:
  - Gives a line each for the owner, the group and every entry of a descriptor in SDDL.
positional: _input
options:
  _input:
    description: The descriptor.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Who may change the folder
  ansible.builtin.debug:
    msg: "{{ 'O:BAG:SYD:(A;OICI;FA;;;BA)' | wcow.containers.sddl }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def sddl(value: Any) -> list[str]:
    """The lines of a descriptor."""
    try:
        return describe(parse_sddl(str(plain(value))))
    except WcowError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return what it has, by name."""
        return {"sddl": sddl}
