# SPDX-License-Identifier: Apache-2.0
"""Writes each task's result as a line of JSON into the file that ``WCOW_RESULTS`` names."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-not-found,unused-ignore]

DOCUMENTATION = """
name: wcow_results
type: aggregate
short_description: Writes results for tests
description: Writes each task's result as a line of JSON.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc,unused-ignore]
    """The plugin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "wcow_results"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, state: str, result: Any) -> None:
        document = json.loads(self._dump_results(result.result, keep_invocation=True))
        if "diff" in result.result:  # left out above unless -vvv is given
            document["diff"] = json.loads(json.dumps(result.result["diff"]))
        row = {"state": state, "task": result.task.get_name(), "host": result.host.get_name(), "result": document}
        with open(os.environ["WCOW_RESULTS"], "a", encoding="utf-8") as out:  # noqa: PTH123  # as plugins are written
            out.write(json.dumps(row) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note what a task has done."""
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Note why a task failed."""
        self._write("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Note that a task was left out."""
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Note that a host did not answer."""
        self._write("unreachable", result)
