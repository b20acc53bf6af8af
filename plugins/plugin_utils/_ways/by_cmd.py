# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``win_command`` and ``win_shell`` for a container without PowerShell, whose images are nanoserver's.

Ansible hands a PowerShell module to its connection as one document: scripts, and the arguments of the module. The two
modules that only start a program need no PowerShell for that, so the engine starts it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ....imagebuild.containers import CommandError, Container, cmd_words
from ....imagebuild.windows import cmdline

_BETWEEN = b"\n\0\0\0\0\n"
"""What stands between Ansible's bootstrap and the document (ansible-core ``module_manifest.py``)."""
_COMMAND = ("ansible.windows.win_command", "win_command")
_SHELL = ("ansible.windows.win_shell", "win_shell")
_NOT_FOUND = 2
_CMD = ("cmd", "cmd.exe")


@dataclass(frozen=True, slots=True)
class ByCmd:
    """A task of ``win_command`` or ``win_shell``: the line as it was written, and the words that run it."""

    line: str
    words: tuple[str, ...]
    environ: Mapping[str, str]
    args: Mapping[str, Any]


def by_cmd(payload: bytes | None) -> ByCmd | None:
    """Return the task that a payload is, where it needs no PowerShell; ``None`` for any other module and script."""
    try:
        actions = json.loads((payload or b"").partition(_BETWEEN)[2])["actions"]
        params = actions[0]["params"]
        args = next(one["Value"] for one in params["Variables"] if one["Name"] == "complex_args")
        module = str(args["_ansible_module_name"])
    except (ValueError, KeyError, IndexError, TypeError, StopIteration):
        return None
    if len(actions) != 1:  # become and async have scripts of their own
        return None
    environ = {str(name): str(value) for name, value in (params.get("Environment") or {}).items()}
    line = str(args.get("cmd") or args.get("_raw_params") or "").strip()
    if module in _COMMAND:
        words = tuple(map(str, args["argv"])) if args.get("argv") else tuple(cmdline.split(line))
        return ByCmd(line or cmdline.quote(words), words, environ, args) if words else None
    if module in _SHELL and str(args.get("executable") or "").lower() in _CMD:
        words, more = cmd_words(line)
        return ByCmd(line, words, {**environ, **more}, args)
    return None


def run_by_cmd(box: Container, task: ByCmd, *, user: str, seconds: float) -> dict[str, Any]:
    """Run the task in a container; return the result that its module returns."""
    args, result = task.args, {"changed": False, "cmd": task.line, "rc": 0}
    if args.get("_ansible_check_mode"):
        module = args["_ansible_module_name"]
        return {**result, "skipped": True, "msg": f"remote module ({module}) does not support check mode"}
    creates, removes = str(args.get("creates") or ""), str(args.get("removes") or "")
    if creates and box.path(creates).exists():
        return {**result, "skipped": True, "msg": f"skipped, since {creates} exists"}
    if removes and not box.path(removes).exists():
        return {**result, "skipped": True, "msg": f"skipped, since {removes} does not exist"}
    begin, start = datetime.now(UTC), time.monotonic()
    try:
        done = box.run(task.words, environ=task.environ, workdir=str(args.get("chdir") or ""), user=user,
                       stdin=str(args.get("stdin") or "").encode(), timeout=seconds)
    except CommandError as error:
        return {**result, "failed": True, "rc": _NOT_FOUND, "msg": f"Failed to run: '{task.line}': {error.why}"}
    spent = timedelta(seconds=time.monotonic() - start)
    result.update(changed=True, rc=done.exit_code, stdout=done.stdout, stderr=done.stderr, start=_time(begin),
                  end=_time(begin + spent), delta=str(spent))
    return {**result, "failed": True, "msg": "non-zero return code"} if done.exit_code else result


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
