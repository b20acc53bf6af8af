# SPDX-License-Identifier: Apache-2.0
"""How Ansible reaches hosts: an inventory for its winrm, psrp and ssh connections."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from .record import HostRecord, RunningHost

Connection = Literal["winrm", "psrp", "ssh"]


@dataclass(frozen=True, slots=True)
class Reached:
    """A host that runs."""

    record: HostRecord
    running: RunningHost


def variables(host: Reached, connection: Connection) -> dict[str, str | int]:
    """Return the variables of one host. The password is read from ``WCOW_HOST_PASSWORD`` when the play runs."""
    tls = host.running.tls_port > 0
    common: dict[str, str | int] = {
        "ansible_host": host.record.address, "ansible_port": host.running.tls_port if tls else host.running.port,
        "ansible_user": host.record.user, "ansible_connection": connection,
        "ansible_password": "{{ lookup('ansible.builtin.env', 'WCOW_HOST_PASSWORD') }}"}
    if connection == "ssh":
        return {**common, "ansible_port": host.running.ssh_port, "ansible_shell_type": "cmd",
                "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"}
    if connection == "winrm":
        return {**common, "ansible_winrm_scheme": "https" if tls else "http", "ansible_winrm_transport": "ntlm",
                "ansible_winrm_server_cert_validation": "ignore"}
    return {**common, "ansible_psrp_protocol": "https" if tls else "http", "ansible_psrp_auth": "ntlm",
            "ansible_psrp_cert_validation": "ignore"}


def ini(hosts: list[Reached], connection: Connection) -> str:
    """Return an inventory in Ansible's INI form, with the hosts in the group ``windows``."""
    lines = ["[windows]"]
    for host in hosts:
        said = " ".join(f"{key}={json.dumps(value)}" for key, value in variables(host, connection).items())
        lines.append(f"{host.record.name} {said}")
    return "\n".join(lines) + "\n"


def yaml(hosts: list[Reached], connection: Connection) -> str:
    """Return an inventory in Ansible's YAML form (which is JSON, too: every JSON document is YAML)."""
    return json.dumps({"windows": {"hosts": {host.record.name: variables(host, connection) for host in hosts}}},
                      indent=2) + "\n"
