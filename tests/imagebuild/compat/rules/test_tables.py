# SPDX-License-Identifier: Apache-2.0
"""Microsoft's support tables: whole, as published, found by host and image."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from support.compat_vectors import vectors

from imagebuild.compat.rules import tables
from imagebuild.windows.facts.host import Product
from imagebuild.windows.releases import RELEASES

FOLDER = Path(tables.__file__).parent
IDS = ["ms-compat", "ms-compat-2022", "ms-compat-2021", "ms-compat-2020", "ms-compat-2019b", "ms-compat-2019a"]


def says(host: int, product: Product, image: int) -> dict[str, tuple[bool, bool]]:
    """Table to (Hyper-V isolation, process isolation)."""
    found = tables.lookup(host, product, image)
    assert len({table.id for table, _ in found}) == len(found), "two rows of one table for one pair"
    return {table.id: (cell.hyperv, cell.process) for table, cell in found}


def test_six_tables_stand_newest_first_with_all_their_cells() -> None:
    assert [table.id for table in tables.tables()] == IDS
    assert [len(table.cells) for table in tables.tables()] == [20, 28, 91, 45, 45, 45]
    dates = [table.published for table in tables.tables()]
    assert dates == sorted(dates, reverse=True)


def test_every_collected_row_is_found_by_its_host_and_image() -> None:
    known = {table.id: table for table in tables.tables()}
    wrong = []
    for row in vectors("docs-matrix"):
        builds = row["host_build"] if isinstance(row["host_build"], list) else [row["host_build"]]
        if builds == [None]:  # any client with that name that can run containers
            builds = [one.build for one in RELEASES
                      if one.client.startswith(f"{row['host']},") and one.build >= 14393]
        for build in builds:
            if row["image_build"] is None:  # never published: no lookup can ask for it
                found = [cell for cell in known[row["doc"]].cells if cell.is_for(build, row["host_kind"])
                         and cell.image == row["image"]]
            else:
                found = [cell for table, cell in tables.lookup(build, row["host_kind"], row["image_build"])
                         if table.id == row["doc"]]
            line = int(row["cite"].rpartition(" ")[2])
            if [(cell.hyperv, cell.process, cell.image_build, cell.line) for cell in found] != \
                    [(row["hyperv"], row["process"], row["image_build"], line)]:
                wrong.append((row, build, found))
    assert not wrong


def test_the_tables_agree_with_themselves_but_for_what_is_known() -> None:
    """Hyper-V isolation takes images up to the host's build; a server takes its own build without it, from 2022 on the
    LTSC before, too. What a table says otherwise was read there twice."""
    odd = []
    for table in tables.tables():
        for cell in table.cells:
            if cell.image_build is None:
                continue
            newest = max(one.build for one in RELEASES if cell.is_for(one.build, "")
                         and (one.client if cell.product == "client" else one.server))
            same = cell.image_build == cell.first or 20348 <= cell.image_build <= cell.first
            if cell.hyperv != (cell.image_build <= newest):
                odd.append((table.id, cell.host, cell.image, "hyperv"))
            if cell.process != same and cell.product == "server":
                odd.append((table.id, cell.host, cell.image, "process"))
            assert cell.hyperv or not cell.process
    assert odd == [("ms-compat-2022", "Windows 10, version 21H1", "Windows Server, version 2022", "hyperv")]


def test_the_newest_table_is_asked_first() -> None:
    assert says(20348, "server", 20348) == {"ms-compat": (True, True), "ms-compat-2022": (True, True),
                                            "ms-compat-2021": (True, True)}
    assert list(says(17763, "server", 17763)) == IDS
    assert says(20348, "server", 26100) == {}


@pytest.mark.parametrize(("host", "image", "newest"), [
    (22000, 20348, (True, True)), (26100, 26100, (True, True)), (26200, 20348, (True, True)),
    (28000, 26100, None), (22631, 26100, None), (21999, 17763, (True, False)), (14393, 14393, (True, False)),
    (10586, 14393, None),
])
def test_clients_without_a_version_are_ranges_of_builds(host: int, image: int,
                                                        newest: tuple[bool, bool] | None) -> None:
    assert says(host, "client", image).get("ms-compat") == newest


def test_a_product_that_is_not_known_may_be_either() -> None:
    either = tables.lookup(26100, "", 20348)
    assert {cell.product for _, cell in either} == {"server", "client"}
    assert tables.lookup(26100, "server", 20348) == tuple(pair for pair in either if pair[1].product == "server")


def test_a_row_about_an_image_that_never_was_stays_and_nobody_finds_it() -> None:
    rows = [cell for table in tables.tables() for cell in table.cells if cell.image_build is None]
    assert [cell.image for cell in rows] == ["Windows Server, version 21H1"] * 6
    assert all("no such image" in cell.note for cell in rows)


@given(st.integers(), st.sampled_from(["", "server", "client"]), st.integers())
def test_asking_never_raises_and_answers_are_about_what_was_asked(host: int, product: Product, image: int) -> None:
    for _, cell in tables.lookup(host, product, image):
        assert cell.image_build == image
        assert cell.first <= host


def test_a_row_says_where_it_stands() -> None:
    table = tables.tables()[0]
    assert table.source(table.cells[0]) == f"{table.url}?plain=1#L28"
    assert all(table.commit in table.url and table.published.isoformat()[:4] in f"{table.id} 2025" for table in
               tables.tables())


def test_hosts_are_named_as_the_releases_are() -> None:
    """A wrong build beside a name would answer for another Windows."""
    for table in tables.tables():
        for cell in table.cells:
            if cell.first == cell.last and ", version 21H1" not in cell.image and "Fall Creators" not in cell.host:
                known = next(one for one in RELEASES if one.build == cell.first)
                name = cell.host.replace("Server version", "Server, version")
                assert known.name_of(cell.product) == name


def test_the_file_has_the_form_that_its_schema_says() -> None:
    schema = json.loads((FOLDER / "support.schema.json").read_bytes())
    document = json.loads((FOLDER / "support.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    validator.validate(document)
    host = document["tables"][0]["hosts"][0]
    for wrong in ({"builds": [20348]}, {"builds": [None, 20348]}, {"kind": "desktop"}, {"rows": []}, {"surprise": 1},
                  {"rows": [host["rows"][0] | {"hyperv": "yes"}]}, {"rows": [host["rows"][0] | {"image": "26100"}]}):
        broken = document | {"tables": [document["tables"][0] | {"hosts": [host | wrong]}]}
        assert not validator.is_valid(broken), wrong


def test_the_tables_are_not_stale() -> None:
    found = tables.support()
    assert datetime.now(UTC).date() - found.updated < timedelta(days=400), (
        f"support.json was last compared with {found.page} on {found.updated}: look whether its table changed, add "
        "it as a new one in front, then set \"updated\" to today")
