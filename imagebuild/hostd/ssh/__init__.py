# SPDX-License-Identifier: Apache-2.0
"""An ssh service as OpenSSH for Windows is one: cmd or the DefaultShell, PowerShell's subsystem, SFTP.

The protocol is asyncssh's, which needs no root, no account of this machine and no program beside it (decision 45).
:class:`SshListener` is the wire, :class:`.session.Session` one channel, :mod:`.shell` what Windows makes of a request.
"""

from __future__ import annotations

from .listener import SshListener
from .sftp import lay_sftp_server

__all__ = ["SshListener", "lay_sftp_server"]
