# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine of another host of the inventory, reached as that host's own variables say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import connection_loader

from ....imagebuild.dockerapi import Client
from .connection import through_connection
from .engine import client_of


class _Ready:
    """Stands for a templar: the variables of ``hostvars`` are templated where they are read."""

    @staticmethod
    def template(value: Any) -> Any:
        """Return the value."""
        return value


def engine_of(hostvars: Mapping[str, Any], name: str, play_context: Any, seconds: float) -> Client:
    """Return the client of the engine of the inventory's host ``name``, by the connection that its variables describe.

    Raises AnsibleError for a host that the inventory has not or whose connection plugin is not there, TaskError for an
    engine that cannot be reached.
    """
    variables = hostvars.get(name) if name in hostvars else None
    if variables is None:
        raise AnsibleError(f"engine_host names {name}, and the inventory has no host of that name")
    kind = str(variables.get("ansible_connection") or "ssh")
    connection = connection_loader.get(kind, play_context)
    if connection is None:
        raise AnsibleError(f"the host {name} is reached by the connection {kind}, which is not installed")
    connection.set_options(var_options=connection._resolve_option_variables(variables, _Ready()))
    args = {"timeout": seconds, "docker_host": variables.get("ansible_wcow_docker_host")}
    return client_of(args, str(connection.transport), through_connection(connection))
