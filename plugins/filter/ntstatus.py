# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``wcow.containers.ntstatus``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ...imagebuild.errors import WcowError
from ...imagebuild.windows import status
from ..plugin_utils._task import plain

DOCUMENTATION = r"""
name: ntstatus
short_description: Explain a code that Windows answered with
version_added: 0.1.0
author:
  - The wcow authors (@wcow)
description:
  - Gives the name and the meaning of an NTSTATUS, HRESULT or Win32 code, however it is spelled.
positional: _input
options:
  _input:
    description: The code, a number or a text like V(0xC0370106).
    type: raw
    required: true
"""

EXAMPLES = r"""
---
- name: Why a program ended
  ansible.builtin.debug:
    msg: "{{ (result.rc | wcow.containers.ntstatus).meaning }}"
"""

RETURN = r"""
_value:
  description: C(code) in hexadecimal, C(name), C(family) and C(meaning); empty texts where the code is not known.
  type: dict
"""


def ntstatus(value: Any) -> dict[str, str]:
    """What a code means."""
    known = plain(value)
    try:
        code = status.canonical(known) if isinstance(known, int) else status.parse(str(known))
    except WcowError as error:
        raise AnsibleFilterError(str(error)) from error
    found = status.find(code)
    return {"code": status.hexadecimal(code), "name": found.name if found else "",
            "family": found.family if found else "", "meaning": found.meaning if found else ""}


class FilterModule:
    """The plugin."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return what it has, by name."""
        return {"ntstatus": ntstatus}
