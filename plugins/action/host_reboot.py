# Copyright: (c) 2026, the wcow authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts a Windows container host: done when its boot time has changed and the engine's services answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_display = Display()

MODULE = "wcow.containers.host_reboot"
PAUSE = 2.0
"""Seconds between two attempts to reach the host."""
FIRST_TRIES = 3
"""Attempts before the restart: what asked for it often leaves WinRM in disorder."""
DEFAULTS = {"reboot_timeout": 600, "connect_timeout": 5, "engine_timeout": 300, "post_reboot_delay": 0}


class NotYet(Exception):
    """The host cannot be reached, or is not ready; the text says why."""


class ActionModule(ActionBase):
    """The plugin."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look at the host, restart it, wait for it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result.update(changed=False, rebooted=False, elapsed=0, containers_not_started=[])
        arguments = {name: value for name, value in self._task.args.items() if name not in ("step", "resume")}
        before = self._first(arguments, task_vars)
        if before.get("failed") or before.get("unreachable"):
            return {**result, **before}
        restart = self._restart(arguments, task_vars)
        if restart.get("failed") or restart.get("unreachable"):
            return {**result, **restart}
        result.update({name: restart[name] for name in ("changed", "containers", "warnings") if name in restart})
        result.update(boot_time=before["boot_time"], pending_reboot=before["pending_reboot"])
        if not restart["changed"] or self._task.check_mode:
            result["rebooted"] = restart["changed"]
            return result
        # The module's own answer has the options with their defaults, as numbers.
        return self._wait(result, restart["invocation"]["module_args"], arguments, task_vars)

    def _first(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Look at the host before anything is done."""
        for _try in range(FIRST_TRIES - 1):
            try:
                return self._module("look", arguments, task_vars)
            except AnsibleConnectionFailure as error:
                _display.vv(f"{MODULE}: {error}")
                time.sleep(PAUSE)
                self._reset()
        return self._module("look", arguments, task_vars)

    def _restart(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Tell the host to restart. A connection that breaks there may be the restart, so it is waited for."""
        try:
            return self._module("restart", arguments, task_vars)
        except AnsibleConnectionFailure as error:
            _display.vv(f"{MODULE}: the connection broke while the restart was asked for: {error}")
            options = {name: int(arguments.get(name, value)) for name, value in DEFAULTS.items()}
            return {"changed": True, "invocation": {"module_args": options}}

    def _wait(self, result: dict[str, Any], options: dict[str, Any], arguments: dict[str, Any],
              task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Wait for another boot time, and then for the services."""
        started = time.monotonic()
        old = self._timeout(options["connect_timeout"])
        time.sleep(options["post_reboot_delay"])
        found: dict[str, Any] = {}

        def booted() -> None:
            found.update(self._look(arguments, task_vars))
            if found["boot_time"] == result["boot_time"]:
                raise NotYet("it has not restarted yet")

        def ready() -> None:
            found.update(self._look(arguments, task_vars))
            if found["waiting"]:
                raise NotYet("; ".join(found["waiting"]))

        try:
            self._until(booted, options["reboot_timeout"], "the host did not come back")
            result.update(rebooted=True, boot_time=found["boot_time"])
            self._timeout(old)
            self._until(ready, options["engine_timeout"], "the host has restarted, and its services are not all there")
            self._resume(result, arguments, task_vars)
        except NotYet as error:
            result.update(failed=True, msg=str(error))
        finally:
            self._timeout(old)
        result["elapsed"] = int(time.monotonic() - started)
        return result

    def _resume(self, result: dict[str, Any], arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> None:
        """Start the containers that ran and have a restart policy; NotYet with those that do not run then."""
        wanted = [one for one in result.get("containers") or () if one.get("restart_policy") not in (None, "", "no")]
        if not wanted:
            return
        done = self._module("resume", {**arguments, "resume": wanted}, task_vars)
        if done.get("failed") or done.get("unreachable"):
            raise NotYet(f"the host has restarted, and its containers were not started: {done.get('msg')}")
        result["containers_not_started"] = done["containers_not_started"]
        if done["containers_not_started"]:
            raise NotYet("the host has restarted, and these containers with a restart policy do not run: "
                         + ", ".join(map(str, done["containers_not_started"])))

    def _until(self, attempt: Callable[[], None], seconds: int, problem: str) -> None:
        """Repeat an attempt until it succeeds; NotYet with the problem and what was last in the way."""
        end = time.monotonic() + seconds
        while True:
            try:
                attempt()
            except NotYet as error:
                _display.vvv(f"{MODULE}: {error}")
                if time.monotonic() > end:
                    raise NotYet(f"{problem} within {seconds} seconds: {error}") from None
                time.sleep(PAUSE)
            else:
                return

    def _look(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Look at the host over a new connection; NotYet where that fails."""
        try:
            self._reset()
            found = self._module("look", arguments, task_vars)
        except Exception as error:  # a connection may raise anything while its host goes down (pypsrp: ValueError)
            raise NotYet(f"it cannot be reached: {error}") from error
        if found.get("failed") or found.get("unreachable"):
            raise NotYet(str(found.get("msg") or "it cannot be reached"))
        return found

    def _module(self, step: str, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        done: dict[str, Any] = self._execute_module(
            module_name=MODULE, module_args={**arguments, "step": step}, task_vars=task_vars)
        return done

    def _reset(self) -> None:
        """Give the connection up: the host that it led to is gone."""
        try:
            self._connection.reset()
        except Exception as error:  # as above
            _display.vvv(f"{MODULE}: {error}")

    def _timeout(self, seconds: Any) -> Any:
        """Set how long the connection tries; return what it was, ``None`` where it has no such option."""
        try:
            old = self._connection.get_option("connection_timeout")
            self._connection.set_option("connection_timeout", seconds)
        except (AnsibleError, KeyError):
            return None
        return old
