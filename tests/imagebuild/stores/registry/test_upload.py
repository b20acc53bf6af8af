# SPDX-License-Identifier: Apache-2.0
"""Blobs on their way into a registry that cuts, forgets and lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.registry_double import RegistryDouble, answer, cut, done_then_cut, forget, partly, rotate

from imagebuild.errors import IntegrityError, RegistryError, WcowError
from imagebuild.oci import Descriptor, Digest
from imagebuild.stores import (
    FixedCredentials,
    LayoutStore,
    Login,
    MemoryStore,
    RegistryClient,
    Retries,
    copy_blob,
    put_bytes,
)

DATA = bytes(range(256)) * 4000
BLOB = Descriptor("application/x-data", Digest.of(DATA), len(DATA))


class Lab:
    """A double, a client that does not wait, and a store with the blob."""

    def __init__(self, double: RegistryDouble, *, chunk: int = 100_000) -> None:
        self.double = double
        self.waits: list[float] = []
        self.client = RegistryClient(
            credentials=FixedCredentials.of(double.host, Login(double.auth.user, double.auth.password)),
            sleep=self.waits.append, chunk_size=chunk, retries=Retries(attempts=4, first=1, longest=3))
        self.target = self.client.repository(f"{double.host}/app")
        self.source = MemoryStore()
        put_bytes(self.source, DATA, "x")

    def push(self) -> None:
        assert copy_blob(self.source, self.target, BLOB) == "copied"
        assert self.double.blobs[BLOB.digest] == DATA

    def sent(self) -> list[tuple[str, str, int]]:
        """Every request with a body: method, Content-Range, bytes that arrived."""
        return [(seen.method, seen.headers.get("content-range", ""), len(seen.body)) for seen in self.double.seen
                if seen.body]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with RegistryDouble() as double:
        made = Lab(double)
        yield made
        made.client.close()


def test_a_large_blob_is_one_request(lab: Lab) -> None:
    lab.push()
    assert lab.sent() == [("PATCH", f"0-{len(DATA) - 1}", len(DATA))]


def test_a_small_blob_is_sent_with_the_request_that_names_it() -> None:
    with RegistryDouble() as double:
        lab = Lab(double, chunk=len(DATA))
        lab.push()
        assert lab.sent() == [("PUT", "", len(DATA))]


def test_after_a_cut_the_rest_is_sent_from_where_the_registry_is(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", partly(300_000))
    lab.double.next("PATCH", "/uploads/", partly(400_000))
    lab.push()
    assert [what for _, what, _ in lab.sent()] == [
        f"0-{len(DATA) - 1}", f"300000-{len(DATA) - 1}", f"700000-{len(DATA) - 1}"]
    assert lab.waits == [1, 1], "each cut was a new trouble, since bytes had come through"


def test_a_registry_that_takes_little_each_time_is_given_up_in_the_end(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", partly(10), times=999)
    with pytest.raises(RegistryError) as caught:
        lab.push()
    assert caught.value.temporary
    assert 10 < len(lab.waits) < 40
    assert lab.double.blobs == {}


def test_bytes_that_arrived_although_the_answer_was_lost_are_not_sent_twice(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", done_then_cut())
    lab.push()
    assert sum(size for _, _, size in lab.sent()) == len(DATA)


def test_a_range_out_of_order_is_put_right(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", answer(416))
    lab.push()


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_upload_the_registry_dropped_begins_anew(lab: Lab, method: str) -> None:
    lab.double.next(method, "/uploads/", forget())
    lab.push()
    assert lab.double.uploads == {}


def test_a_registry_that_drops_every_upload_is_one_error_and_nothing_is_left(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", forget(), times=99)
    with pytest.raises(RegistryError, match="the upload broke and cannot be continued"):
        lab.push()
    assert (lab.double.blobs, lab.double.uploads) == ({}, {})


@pytest.mark.parametrize("said", ["0-5", "0-99999999", "0-9" + "9" * 30, "7-9", "nonsense"])
def test_a_registry_that_lies_about_how_far_it_came_is_not_believed_in_the_end(lab: Lab, said: str) -> None:
    def lie(seconds: float) -> None:
        lab.waits.append(seconds)
        session = next(iter(lab.double.uploads))
        if len(lab.waits) == 1:
            lab.double.next("GET", "/uploads/", answer(204, {
                "Range": said, "Location": f"/v2/app/blobs/uploads/{session}"}))

    lab.double.next("PATCH", "/uploads/", partly(300_000))
    with RegistryClient(sleep=lie, chunk_size=100_000) as client:
        lab.target = client.repository(f"{lab.double.host}/app")
        lab.push()


def test_what_was_mended_wrongly_begins_anew(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", done_then_cut())
    lab.double.next("PUT", "/uploads/", answer(400, body={"errors": [{"code": "DIGEST_INVALID"}]}))
    lab.push()


def test_a_digest_refused_without_any_trouble_before_is_not_sent_again(lab: Lab) -> None:
    lab.double.next("PUT", "/uploads/", answer(400, body={"errors": [{"code": "DIGEST_INVALID"}]}))
    with pytest.raises(RegistryError) as caught:
        lab.push()
    assert caught.value.codes == ("DIGEST_INVALID",)


def test_a_proxy_that_limits_requests_gets_chunks(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", answer(413))
    lab.push()
    sizes = [size for method, _, size in lab.sent()[1:] if method == "PATCH"]
    assert sizes == [100_000] * 10 + [24_000]


def test_a_small_blob_that_was_cut_is_not_added_to_what_arrived_of_it() -> None:
    with RegistryDouble() as double:
        lab = Lab(double, chunk=len(DATA))
        double.next("PUT", "/uploads/", partly(1000))
        lab.push()
        assert double.uploads == {}


@pytest.mark.parametrize("asked", ["7", "Tue, 24 Nov 2026 09:00:00 GMT"])
def test_retry_after_is_heard_in_the_middle_of_an_upload(lab: Lab, asked: str) -> None:
    lab.double.next("PATCH", "/uploads/", answer(429, {"Retry-After": asked}))
    lab.push()
    assert lab.waits == [7] if asked == "7" else lab.waits == [0]


def test_a_token_that_ends_in_the_middle_is_renewed(lab: Lab) -> None:
    lab.double.auth.kind = "bearer"
    lab.double.next("PATCH", "/uploads/", rotate())
    lab.double.next("PUT", "/uploads/", rotate())
    lab.push()
    assert len(lab.double.auth.given) >= 3


def test_a_wrong_source_is_its_own_error_and_not_tried_again(lab: Lab, tmp_path: Path) -> None:
    source = LayoutStore(tmp_path / "layout", create=True)
    put_bytes(source, DATA, "x")
    (tmp_path / "layout/blobs/sha256" / BLOB.digest.hex).write_bytes(DATA[:-1] + b"?")
    with pytest.raises(IntegrityError):
        copy_blob(source, lab.target, BLOB)
    assert lab.waits == []
    assert (lab.double.blobs, lab.double.uploads) == ({}, {})


def test_a_source_that_fails_on_the_way_is_not_taken_for_the_registry_s_trouble(lab: Lab) -> None:
    with RegistryDouble() as other:
        other.put_blob(DATA)
        other.next("GET", "/blobs/", cut(after=1000), times=99)
        waits: list[float] = []
        with RegistryClient(sleep=waits.append, retries=Retries(attempts=2, first=1)) as client, \
                pytest.raises(RegistryError, match="cannot read blob"):
            copy_blob(client.repository(f"{other.host}/x"), lab.target, BLOB)
    assert lab.waits == []
    assert lab.double.blobs == {}


def test_a_source_that_changes_between_two_tries_is_found_out_by_the_digest(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", partly(300_000))

    class Changing(MemoryStore):
        def open_blob(self, descriptor: Descriptor, *, offset: int = 0):  # type: ignore[no-untyped-def]
            if offset:
                self.blobs[descriptor.digest] = DATA[:-1] + b"?"
            return super().open_blob(descriptor, offset=offset)

    source = Changing()
    put_bytes(source, DATA, "x")
    with pytest.raises((RegistryError, IntegrityError)):
        copy_blob(source, lab.target, BLOB)
    assert lab.double.blobs == {}


@pytest.mark.parametrize("absolute", [True, False])
def test_a_small_blob_goes_up_in_one_piece(lab: Lab, absolute: bool) -> None:
    lab.double.absolute_locations = absolute
    put_bytes(lab.target, b"small", "x")
    assert [line.split()[0] for line in lab.double.lines()] == ["HEAD", "POST", "PUT"]
    assert lab.double.blobs[Digest.of(b"small")] == b"small"


@pytest.mark.parametrize("absolute", [True, False])
def test_a_large_blob_goes_up_in_chunks(lab: Lab, absolute: bool) -> None:
    lab.double.absolute_locations = absolute
    put_bytes(lab.target, DATA, "x")
    patches = [seen for seen in lab.double.seen if seen.method == "PATCH"]
    assert [seen.headers["content-range"] for seen in patches][:2] == ["0-99999", "100000-199999"]
    assert lab.double.blobs[Digest.of(DATA)] == DATA


def test_a_chunk_that_is_cut_off_is_sent_again(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", cut(), times=2)
    put_bytes(lab.target, DATA, "x")
    assert lab.double.blobs[Digest.of(DATA)] == DATA


def test_a_chunk_that_arrived_although_the_answer_was_lost_is_not_sent_twice(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", done_then_cut())
    put_bytes(lab.target, DATA, "x")
    assert lab.double.blobs[Digest.of(DATA)] == DATA
    sent = sum(len(seen.body) for seen in lab.double.seen if seen.method == "PATCH")
    assert sent == len(DATA)


def test_a_finished_upload_whose_answer_was_lost_is_finished(lab: Lab) -> None:
    lab.double.next("PUT", "/uploads/", done_then_cut())
    put_bytes(lab.target, b"small", "x")
    assert lab.double.blobs[Digest.of(b"small")] == b"small"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_trouble_during_an_upload_is_waited_out(lab: Lab, status: int) -> None:
    for method in ("POST", "PATCH", "PUT"):
        lab.double.next(method, "/uploads/", answer(status))
    put_bytes(lab.target, DATA, "x")
    assert lab.double.blobs[Digest.of(DATA)] == DATA


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_session_the_registry_forgot_is_begun_anew(lab: Lab, method: str) -> None:
    lab.double.next(method, "/uploads/", answer(404), times=2)
    put_bytes(lab.target, DATA, "x")
    assert lab.double.blobs[Digest.of(DATA)] == DATA


def test_a_registry_that_forgets_every_session_is_one_error(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", answer(404), times=9)
    with pytest.raises(WcowError) as caught:
        put_bytes(lab.target, DATA, "x")
    assert "cannot push a blob" in caught.value.what
    assert Digest.of(DATA) not in lab.double.blobs


def test_a_digest_the_registry_does_not_believe_is_an_error(lab: Lab) -> None:
    with pytest.raises(RegistryError) as caught, lab.target.new_blob() as blob:
        blob.write(b"data")
        blob.commit(Digest.of(b"atad"), 4)
    assert caught.value.codes == ("DIGEST_INVALID",)


def test_an_aborted_upload_is_taken_back(lab: Lab) -> None:
    with pytest.raises(KeyboardInterrupt), lab.target.new_blob() as blob:
        blob.write(DATA)
        raise KeyboardInterrupt
    assert lab.double.lines()[-1].startswith("DELETE ")
    assert lab.double.uploads == {}
    assert lab.double.blobs == {}


def test_an_upload_may_be_redirected(lab: Lab) -> None:
    with RegistryDouble() as other:
        other.uploads["there"] = bytearray()
        lab.double.next("PUT", "/uploads/", answer(307, {"Location": f"{other.url}/v2/app/blobs/uploads/there?digest="
                                                         + Digest.of(b"small").replace(":", "%3A")}))
        put_bytes(lab.target, b"small", "x")
        assert other.blobs[Digest.of(b"small")] == b"small"


def test_a_smallest_chunk_the_registry_asks_for_is_kept(lab: Lab) -> None:
    lab.double.uploads["u"] = bytearray()
    lab.double.next("POST", "/uploads/", answer(202, {"Location": "/v2/app/blobs/uploads/u",
                                                      "OCI-Chunk-Min-Length": "300000"}))
    put_bytes(lab.target, DATA, "x")
    sizes = [len(seen.body) for seen in lab.double.seen if seen.method == "PATCH"]
    assert sizes[1:-1] == [] or min(sizes[1:-1]) >= 300_000
