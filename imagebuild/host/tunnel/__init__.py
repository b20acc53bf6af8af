# SPDX-License-Identifier: Apache-2.0
"""A tunnel to a host's Docker engine: a local socket for any client, streams that are ready before they are needed.

Requests and answers pass as they came. HTTP is followed to know which request was lost when a way breaks, what may be
asked again, when a stream can serve the next client, and where an answer leaves HTTP.
"""

from __future__ import annotations

from .context import tunnel_context
from .server import Tunnel, usual_path

__all__ = ["Tunnel", "tunnel_context", "usual_path"]
