# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps values that may be secret out of results: names stay readable, values do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.common.parameters import remove_values

from ...imagebuild.containers import Difference
from ...imagebuild.dockerapi import shapes

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
"""What Ansible itself writes in place of a secret."""
_FIELDS = ("environ[", "log_options[", "driver_options.")
"""Facts whose values may be passwords: variables, tokens of log drivers, credentials of a volume's share."""
_OPTIONS = ("env", "log_options", "driver_options")
_SHORT = 6
"""Texts shorter than this are words of every sentence, so a message keeps them."""


def document(found: shapes.Inspect | None, *, shown: bool = False) -> dict[str, Any]:
    """A container as the engine describes it; variables and log options without values unless they are ``shown``."""
    if found is None:
        return {}
    values: dict[str, Any] = shapes.to_json(found)
    if shown:
        return values
    config = values.get("Config") or {}
    if config.get("Env"):
        config["Env"] = [f"{one.partition('=')[0]}={HIDDEN}" for one in config["Env"]]
    log = (values.get("HostConfig") or {}).get("LogConfig") or {}
    if log.get("Config"):
        log["Config"] = dict.fromkeys(log["Config"], HIDDEN)
    return values


def volume_document(found: shapes.Volume | None) -> dict[str, Any]:
    """A volume as the engine describes it, its driver's options without values."""
    if found is None:
        return {}
    values: dict[str, Any] = shapes.to_json(found)
    if values.get("Options"):
        values["Options"] = dict.fromkeys(values["Options"], HIDDEN)
    return values


def is_secret(field: str) -> bool:
    """Whether a fact's value may be a secret."""
    return field.startswith(_FIELDS)


def difference(one: Difference) -> Difference:
    """The difference as results may hold it: a value that may be secret becomes words that say whether there is one."""
    if not is_secret(one.field):
        return one
    return Difference(one.field, *hidden_pair(one.wanted, one.found))


def hidden_pair(wanted: object, found: object) -> tuple[object, object]:
    """Words for two values that differ, which do not tell them."""
    return (None if wanted is None else "another value, which is not shown",
            None if found is None else "a value that is not shown")


def cleaned(values: Mapping[str, Any], args: Mapping[str, Any], secrets: frozenset[str], *, failed: bool
            ) -> dict[str, Any]:
    """The values of a result without the task's secrets: those that its specification marks, and in a failure, whose
    message may quote the engine, those of its variables and options too."""
    texts = {str(args[name]) for name in secrets if args.get(name)}
    if failed:
        texts |= {text for name in _OPTIONS for text in _texts(args.get(name)) if len(text) >= _SHORT}
    return dict(remove_values(dict(values), texts)) if texts else dict(values)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (str(one) for one in value.values())
