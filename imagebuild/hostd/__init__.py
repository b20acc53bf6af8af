# SPDX-License-Identifier: Apache-2.0
"""A Windows container host on Linux: WinRM, PowerShell remoting and a Docker engine over a box of the embedded engine.

It *is* a host, as sshd is to ssh; ``host/`` reaches hosts, and the two share no code of the protocols.
"""

from __future__ import annotations
