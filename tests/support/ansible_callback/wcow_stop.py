# SPDX-License-Identifier: Apache-2.0
"""Ends ansible-playbook when the task that ``WCOW_STOP_AFTER`` names has changed something, as a lost machine would."""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-not-found,unused-ignore]

DOCUMENTATION = """
name: wcow_stop
type: aggregate
short_description: Stops a playbook for tests
description: Stops the playbook behind a task.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc,unused-ignore]
    """The plugin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "wcow_stop"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        """End the process behind the task."""
        if result.result.get("changed") and result.task.get_name().endswith(os.environ["WCOW_STOP_AFTER"]):
            os.kill(os.getpid(), signal.SIGKILL)
