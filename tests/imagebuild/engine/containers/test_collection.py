# SPDX-License-Identifier: Apache-2.0
"""Containers that name others: whose network one is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.engines import new, opened, run, served, until

from imagebuild.dockerapi import faults, shapes
from imagebuild.engine.validation.runtime import check_shared_network


def test_a_container_shares_the_network_and_the_hosts_name_of_another(tmp_path: Path) -> None:
    with served(tmp_path) as app:
        first = app.create("sleep 60", name="web", host={"network_mode": "nat", "dns": ("10.0.0.9",)}, hostname="shop")
        app.create("sleep 60", name="db", host={"network_mode": "container:web"})
        made = app.inspect("db")
        assert (made.host_config.network_mode, made.config.hostname) == ("container:web", made.id[:12])
        app.post("/containers/web/start")
        app.post("/containers/db/start")
        web, db = app.inspect("web"), app.inspect("db")
        assert web.network_settings.networks["nat"].dns_names == ("web", "shop", first[:12])
        assert db.config.hostname == "shop"
        assert (db.network_settings.networks, db.network_settings.sandbox_id) == ({}, "")
        assert (list(web.network_settings.networks or ()), web.network_settings.sandbox_id) == (["nat"], first)
        opened_with = [box._spec for box in app.engine.sandbox.opened]  # type: ignore[attr-defined]
        assert [spec.network.net for spec in opened_with] == [Path("/memory", first)] * 2
        assert [spec.dns for spec in opened_with] == [("10.0.0.9",)] * 2
        assert [spec.hostname for spec in opened_with] == ["shop", "shop"]
        app.post("/containers/web/restart")
        assert app.inspect("db").state.running


@pytest.mark.parametrize(("mode", "status", "text"), [
    ("container:gone", 404, "No such container: gone"), ("container:web", 409,
                                                         "cannot join network of a non running container: web"),
    ("container:db", 500, "cannot join own network")])
def test_a_start_that_cannot_join_is_refused_as_moby_refuses_it(tmp_path: Path, mode: str, status: int,
                                                                text: str) -> None:
    with served(tmp_path) as app:
        app.create("sleep 60", name="web")
        app.create("sleep 60", name="db", host={"network_mode": mode})
        with pytest.raises(faults.Fault, match=text) as error:
            app.client.json("POST", "/containers/db/start")
        assert error.value.status == status
        assert app.inspect("db").state.status == "created"
        assert text in app.inspect("db").state.error


def test_one_that_waits_for_its_next_start_cannot_be_joined(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            web, db = new(engine, "exit 1", name="web", policy="always"), new(engine, name="db")
            db.host = shapes.HostConfig(network_mode="container:web")
            web.pause = 30.0
            await engine.containers.start(web)
            await until(lambda: web.status == "restarting")
            with pytest.raises(faults.Conflict, match="Container web is restarting"):
                check_shared_network(db, engine.containers.find)

    run(work())


def test_others_find_a_container_by_each_of_its_names_once(tmp_path: Path) -> None:
    with served(tmp_path) as app:
        one = app.create("sleep 60", name="one", host={"network_mode": "nat"})
        app.post("/containers/one/start")
        assert app.inspect("one").network_settings.networks["nat"].dns_names == ("one", one[:12])


def test_one_without_a_network_gives_none_to_who_joins_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            web, db = new(engine, name="web", network_disabled=True), new(engine, name="db")
            db.host, db.networks = shapes.HostConfig(network_mode="container:web"), {}
            await engine.containers.start(web)
            await engine.containers.start(db)
            assert db.running and db.attachment.namespace is None

    run(work())


def test_one_that_left_every_network_gets_that_of_its_mode_when_it_starts(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            for mode in ("nat", "none"):
                one = new(engine)
                one.host, one.networks = shapes.HostConfig(network_mode=mode), {}
                await engine.containers.start(one)
                assert list(one.networks) == [mode]
                assert [place.network for place in one.attachment.endpoints] == [mode]

    run(work())
