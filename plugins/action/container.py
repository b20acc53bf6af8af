# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Does the work of the modules that speak to a Docker engine, on the control node."""

from __future__ import annotations

from functools import cache
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ...imagebuild.errors import WcowError
from ..module_utils._specs import SPECS
from ..plugin_utils._errors import failed
from ..plugin_utils._modules import function_of
from ..plugin_utils._secret import cleaned
from ..plugin_utils._task import Task, TaskError, plain
from ..plugin_utils._ways.connection import KINDS, through_connection, tunnel_through
from ..plugin_utils._ways.engine import LOCAL, ThroughConnection, address_of, client_of
from ..plugin_utils._ways.through_module import client_through

display = Display()
REQUEST = "wcow.containers.engine_request"


class ActionModule(ActionBase):
    """Validates a task's arguments by its module's specification, and hands them to the module's function."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """See :meth:`ansible.plugins.action.ActionBase.run`."""
        super().run(tmp, task_vars)
        name = str(self._task.resolved_action or self._task.action).rpartition(".")[2]
        _validation, arguments = self.validate_argument_spec(**SPECS[name])
        args = plain(arguments)

        @cache
        def engine() -> Any:
            if self._by_module(task_vars or {}):
                return client_of(args, "", self._through_module(task_vars or {}))
            return client_of(args, str(self._connection.transport), through_connection(self._connection))

        host = str((task_vars or {}).get("inventory_hostname", ""))
        task = Task(module=name, args=args, check=bool(self._task.check_mode), engine=engine,
                    through=self._through(args), tunnel=lambda there: self._tunnel(args, there),
                    note=lambda text: display.vvv(text, host=host))
        failure: TaskError | None = None
        try:
            result = cleaned(function_of(name)(task), args, _secrets(name), failed=False)
        except (TaskError, WcowError, OSError) as error:
            failure = error if isinstance(error, TaskError) else failed(error)
        if failure is not None:  # raised out here: Ansible shows an error's causes, whose texts are not cleaned
            values = cleaned({"msg": str(failure), **failure.values}, args, _secrets(name), failed=True)
            raise AnsibleActionFail(values.pop("msg"), result=values)
        if not self._task.diff:
            result.pop("diff", None)
        return result

    def _through_module(self, variables: dict[str, Any]) -> ThroughConnection:
        pipe = str(self._said(variables, "ansible_wcow_engine_pipe") or "docker_engine")

        def run(asked: Any) -> Any:
            return self._execute_module(module_name=REQUEST, module_args={**asked, "pipe": pipe}, task_vars=variables)

        return lambda seconds: client_through(run, seconds)

    def _said(self, variables: dict[str, Any], name: str) -> Any:
        return plain(self._templar.template(variables.get(name)))

    def _by_module(self, variables: dict[str, Any]) -> bool:
        """Whether a module on the host asks its engine: where no way of ours leads beside the connection."""
        wanted = self._said(variables, "ansible_wcow_engine_request")
        kind = str(self._connection.transport).rpartition(".")[2]
        return boolean(wanted or False, strict=False) or kind not in (*KINDS, *LOCAL)

    def _tunnel(self, args: dict[str, Any], there: bool) -> str:
        transport = str(self._connection.transport)
        if args.get("docker_host") or transport in LOCAL:
            return address_of(args)
        return tunnel_through(self._connection, there)

    def _through(self, args: dict[str, Any]) -> str:
        return "docker_host" if args.get("docker_host") else str(self._connection.transport)


def _secrets(name: str) -> frozenset[str]:
    """The arguments of a module that its specification marks as secret."""
    return frozenset(key for key, one in SPECS[name]["argument_spec"].items() if one.get("no_log"))
