# SPDX-License-Identifier: Apache-2.0
"""Which events pass which filters, as moby's ``daemon/events/filter.go`` has it."""

from __future__ import annotations

import pytest

from imagebuild.dockerapi import Filters
from imagebuild.engine.event_filter import takes
from imagebuild.engine.events import Event

START = Event("container", "start", "c0ffee", {"name": "web-1", "image": "reg.example/app:1", "tier": "front"})
HEALTH = Event("container", "health_status: healthy", "c0ffee", {"name": "web-1", "image": "reg.example/app:1"})
PULL = Event("image", "pull", "reg.example/app:1", {"name": "reg.example/app"})
TAG = Event("image", "tag", "sha256:" + "ab" * 32, {"name": "app:2"})
VOLUME = Event("volume", "create", "web-data", {"driver": "local"})
NETWORK = Event("network", "connect", "fade", {"name": "nat", "type": "nat", "container": "c0ffee"})
ALL = (START, HEALTH, PULL, TAG, VOLUME, NETWORK)


@pytest.mark.parametrize(("filters", "passed"), [
    ({}, ALL),
    ({"type": ("volume", "network")}, (VOLUME, NETWORK)),
    ({"container": "web-1"}, (START, HEALTH)),
    ({"container": "c0f"}, (START, HEALTH)),  # the beginning of an id or of a name is enough
    ({"container": "web"}, (START, HEALTH, VOLUME)),  # and the kind of the event does not matter
    ({"network": "nat"}, (NETWORK,)),
    ({"volume": "web-data", "type": "volume"}, (VOLUME,)),
    ({"container": "web-1", "network": "nat"}, ()),
    ({"label": "tier=front"}, (START,)),
    ({"label": ("tier=front", "name=web-2")}, ()),
    ({"image": "reg.example/app:1"}, (START, HEALTH, PULL)),
    ({"image": "reg.example/app"}, (START, HEALTH, PULL)),
    ({"image": "app"}, (TAG,)),
    ({"image": "sha256:" + "ab" * 32}, (TAG,)),
    ({"event": "start"}, (START,)),
    ({"event": "star"}, ()),
    ({"event": "health_status"}, (HEALTH,)),
    ({"event": "health_status: healthy"}, (HEALTH,)),
    ({"event": "health_status: unhealthy"}, ()),
    ({"event": ("start", "create")}, (START, VOLUME)),
    ({"scope": "local"}, ALL),
    ({"scope": "swarm"}, ()),
    ({"daemon": "elsewhere"}, ()),
    ({"colour": "red"}, ALL),  # not refused, and no filter
])
def test_events_pass_the_filters_of_moby(filters: dict[str, str | tuple[str, ...]], passed: tuple[Event, ...]) -> None:
    assert tuple(event for event in ALL if takes(Filters.of(**filters), event)) == passed
