# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines a Windows container host by the library's doctor, here on the control node."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ...imagebuild.doctor import QUESTIONS, Cause, Check, examine, explain, machines
from ...imagebuild.errors import WcowError
from ..module_utils._doctor_spec import ARGUMENTS, EXCLUSIVE

STATUSES = ("fail", "warn", "unknown", "pass")
"""The worst first."""


class ActionModule(ActionBase):
    """The plugin."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Collect the facts where none are given, and answer every question about them; or explain a text."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        options = self._options()
        if options["text"] is not None:
            return {**result, "causes": [_cause(cause) for cause in explain(options["text"]).causes]}
        document = options["facts"]
        if document is None:
            info = self._execute_module(module_name="wcow.containers.host_info",
                                        module_args={"online": options["online"]}, task_vars=task_vars)
            if info.get("failed") or info.get("unreachable"):
                return {**result, **info}
            document = info["machine"]
        try:
            checks = [check for machine in machines(_plain(document))
                      for check in examine(machine, only=options["only"], skip=options["skip"])]
        except WcowError as error:
            raise AnsibleActionFail(str(error)) from error
        counts = Counter(check.status for check in checks)
        result["checks"] = [_plain(asdict(check)) for check in sorted(checks, key=_badness)]
        result["summary"] = {status: counts[status] for status in STATUSES}
        bad = [check for check in sorted(checks, key=_badness)
               if options["fail_on"] != "never" and _badness(check) <= STATUSES.index(options["fail_on"])]
        if bad:
            result.update(failed=True, msg="; ".join(map(_sentence, bad)))
        return result

    def _options(self) -> dict[str, Any]:
        checked = ArgumentSpecValidator(ARGUMENTS, mutually_exclusive=EXCLUSIVE).validate(_plain(self._task.args))
        if checked.error_messages:
            raise AnsibleActionFail("; ".join(checked.error_messages))
        options: dict[str, Any] = checked.validated_parameters
        unknown = sorted({*options["only"], *options["skip"]} - {*QUESTIONS})
        if unknown:
            raise AnsibleActionFail(f"there is no check {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
        return options


def _badness(check: Check) -> int:
    return STATUSES.index(check.status)


def _sentence(check: Check) -> str:
    return f"{check.title}: {check.found}" + (f" ({check.remedy})" if check.remedy else "")


def _cause(cause: Cause) -> dict[str, Any]:
    failure = cause.failure
    return {"id": failure.id, "title": failure.title, "cause": failure.cause, "remedy": failure.remedy,
            "detect": failure.detect, "lookup": failure.lookup, "confidence": cause.confidence}


def _plain(value: Any) -> Any:
    """Copy values that Ansible has tagged, and tuples, as JSON has them."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    for kind in (str, bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value
