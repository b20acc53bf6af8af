# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which function does the work of which module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import _build, _container, _exec, _image, _network, _prune, _volume
from ._task import Task

MODULES: Mapping[str, Callable[[Task], dict[str, Any]]] = {
    "container": _container.container,
    "container_copy": _exec.container_copy,
    "container_exec": _exec.container_exec,
    "container_info": _container.container_info,
    "image": _image.image,
    "image_compat": _build.image_compat,
    "image_info": _image.image_info,
    "network": _network.network,
    "network_info": _network.network_info,
    "prune": _prune.prune,
    "volume": _volume.volume,
    "volume_info": _volume.volume_info,
}
