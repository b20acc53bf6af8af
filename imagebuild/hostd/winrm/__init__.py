# SPDX-License-Identifier: Apache-2.0
"""A WinRM service: WS-Management's remote shell and PowerShell's remoting over HTTP and HTTPS.

Envelopes are values (:mod:`.envelope.request`, :mod:`.envelope.answer`, :mod:`.envelope.fault`), shells are
:class:`Service`'s, and
:class:`Listener` is the wire. The machine that is served is a :class:`Machine`.
"""

from __future__ import annotations

from ..program import Machine, NotFound, Program, Start
from .accounts import Account, Accounts
from .http import Listener
from .login import Offered
from .service import Caller, Service

__all__ = ["Account", "Accounts", "Caller", "Listener", "Machine", "NotFound", "Offered", "Program", "Service", "Start"]
