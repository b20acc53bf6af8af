# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules promise, in the words of ansible-core's own attributes."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments ``wcow.containers.attributes`` and ``wcow.containers.attributes.actiongroup``."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and say what would change without changing it.
  diff_mode:
    description: Says in diff mode what changed, or would change.
  idempotent:
    description: Changes nothing when it is run again with the same options.
"""

    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/wcow.containers.docker) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - wcow.containers.docker
"""
