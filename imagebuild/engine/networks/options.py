# SPDX-License-Identifier: Apache-2.0
"""The driver options of a Windows network, ``--opt com.docker.network.windowsshim.vlanid=7``: which cannot be. Pure.

Source: moby 26.1 ``libnetwork/drivers/windows/windows.go`` parseNetworkOptions and ``labels.go``. Options that are not
in this table are texts that only the Host Networking Service could refuse.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...dockerapi import faults
from ..gotext import quoted

PREFIX = "com.docker.network.windowsshim."
NUMBERS, FLAGS = ("vlanid", "vsid"), ("disable_gatewaydns", "enable_outboundnat")
_BOOLEANS = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})


def check_options(options: Mapping[str, str]) -> None:
    """BadRequest for a pool of MAC addresses without both ends; Internal, in Go's words, for what is no number of 32
    bits or no truth value."""
    for label, value in options.items():
        name = label.removeprefix(PREFIX) if label.startswith(PREFIX) else ""
        if name == "macpool" and len(value.split(",")) % 2:
            raise faults.BadRequest("invalid mac pool. You must specify both a start range and an end range")
        if name in NUMBERS:
            _check_number(value)
        elif name in FLAGS and value not in _BOOLEANS:
            raise faults.Internal(f"strconv.ParseBool: parsing {quoted(value)}: invalid syntax")


def _check_number(value: str) -> None:
    why = ""
    if not (value.isascii() and value.isdigit()):
        why = "invalid syntax"
    elif len(digits := value.lstrip("0") or "0") > 10 or int(digits) >= 1 << 32:
        why = "value out of range"
    if why:
        raise faults.Internal(f"strconv.ParseUint: parsing {quoted(value)}: {why}")
