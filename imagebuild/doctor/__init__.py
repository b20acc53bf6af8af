# SPDX-License-Identifier: Apache-2.0
"""What is wrong with this host, or what does this error text mean? Pure: values and text in, findings out."""

from __future__ import annotations

from .check import Check, Status
from .examine import QUESTIONS, examine, machines
from .explain import Cause, Explanation, explain, explain_stream
from .scan import Match

__all__ = [
    "QUESTIONS", "Cause", "Check", "Explanation", "Match", "Status", "examine", "explain", "explain_stream", "machines",
]
