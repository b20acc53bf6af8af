# SPDX-License-Identifier: Apache-2.0
"""Which events a client wants: the filters of ``docker events`` (moby ``daemon/events/filter.go``).

Every filter counts for events of every kind, so a filter for a container that is called ``web`` also lets through a
volume whose name begins so. A filter that moby does not know filters nothing.
"""

from __future__ import annotations

from ..dockerapi import Filters, faults
from .events import Event
from .images.names import named, repository_of

_FUZZY_KINDS = ("daemon", "container", "plugin", "volume", "network", "service", "node", "secret", "config")
_FUZZY_ACTIONS = frozenset({"health_status", "exec_create", "exec_start"})
"""Actions that end with something of their own (``health_status: healthy``): asked for, beginnings are enough."""


def takes(filters: Filters, event: Event) -> bool:
    """Whether an event passes all filters."""
    return _action(filters, event.action) and filters.exact("type", event.kind) and \
        filters.exact("scope", "local") and filters.labels(event.attributes) and _image(filters, event) and all(
            filters.prefix(kind, event.actor) or filters.prefix(kind, event.attributes.get("name", ""))
            for kind in _FUZZY_KINDS)


def _action(filters: Filters, action: str) -> bool:
    if _FUZZY_ACTIONS.intersection(filters.get("event")):
        return filters.prefix("event", action)
    return filters.exact("event", action)


def _image(filters: Filters, event: Event) -> bool:
    """By id or name, of containers the image they stand on; a name without a tag stands for all its tags."""
    name = event.attributes.get("name" if event.kind == "image" else "image", "")
    return any(filters.exact("image", one) for one in (event.actor, name, _family(event.actor), _family(name)))


def _family(name: str) -> str:
    try:
        return repository_of(named(name))
    except faults.BadRequest:  # an id, or nothing
        return name
