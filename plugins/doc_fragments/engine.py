# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that every module has which speaks to a Docker engine."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment ``wcow.containers.engine``."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - >-
        Address of the engine, like V(tcp://host:2376) or V(unix:///run/wcow/engine.sock), for one that the control
        node reaches itself.
      - The engine of the inventory host, through the host's own connection, when not given.
    type: str
  tls_ca_cert:
    description:
      - Certificate authority of an engine at O(docker_host), a PEM file of the control node.
    type: path
  tls_client_cert:
    description:
      - Client certificate for an engine at O(docker_host), a PEM file of the control node.
    type: path
  tls_client_key:
    description:
      - Key of O(tls_client_cert).
    type: path
  timeout:
    description:
      - Seconds that the engine may take to begin an answer, and that a stream may be silent.
    type: int
    default: 60
notes:
  - The module runs on the control node. The host needs no Python, and with C(docker.exe) 19.03 or later nothing else.
requirements:
  - h11 on the control node
"""
