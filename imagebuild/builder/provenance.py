# SPDX-License-Identifier: Apache-2.0
"""Where an image comes from, as an in-toto statement with an SLSA provenance.

Formats: in-toto ``spec/v1/statement.md``, SLSA ``provenance/v1``; kept beside the image as an OCI artefact whose
``subject`` is the image (image-spec ``manifest.md``, "Guidelines for Artifact Usage"). There is no wall-clock time in
it and nothing of the machine: the same input gives the same statement.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .. import __version__
from ..fetch import redact
from ..oci import Descriptor, Manifest, describe
from ..stores import Store, put_bytes
from ..stores.registry.referrers import attach as attach_artefact
from .execute.execute import Built
from .plan.plan import Clone, Download, Transfer
from .request import BuildRequest

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
SPDX = "https://spdx.dev/Document"
BUILD_TYPE = "urn:wcow:build:1"
"""What the parameters of a statement mean: docs/reference/provenance.md."""
MEDIA_TYPE = "application/vnd.in-toto+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
PREDICATE_ANNOTATION = "in-toto.io/predicate-type"
"""How BuildKit marks its attestations, so that tools find ours as well."""


def statement(request: BuildRequest, built: Built, names: tuple[str, ...] = ()) -> bytes:
    """The statement about an image as canonical JSON. Values of build arguments are in it; secrets never are."""
    subjects = names or ("image",)
    target = built.plan.target()
    body = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": _digest(built.descriptor.digest)} for name in subjects],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "dockerfile": built.plan.file, "target": target.name, "platform": str(target.platform),
                    "buildArgs": dict(request.build_args), "buildContexts": {
                        name: redact(value) for name, value in request.build_contexts},
                    "timestamps": request.timestamps, "symlinks": request.symlinks,
                    "acls": dict(request.acls), "attributes": dict(request.attributes),
                    "junctions": dict(request.junctions)},
                "internalParameters": {"compression": str(request.compression), "baseMetadata": request.base_metadata,
                                       "sourceDateEpoch": request.epoch},
                "resolvedDependencies": [*_bases(built), *_downloads(built), *_context(built)]},
            "runDetails": {"builder": {"id": "urn:wcow", "version": {"wcow": __version__}},
                           "byproducts": [{"name": f"{built.plan.file}:{step.instruction.line}",
                                           "annotations": {"instruction": step.text, "way": step.way}}
                                          for _unused, step in built.plan.runs()]}}}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def materials(built: Built, sbom: bytes, names: tuple[str, ...] = ()) -> bytes:
    """A bill of materials (SPDX JSON) as a statement about the image, as BuildKit wraps it."""
    body = {"_type": STATEMENT, "predicateType": SPDX, "predicate": json.loads(sbom),
            "subject": [{"name": name, "digest": _digest(built.descriptor.digest)} for name in names or ("image",)]}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def artefact(data: bytes, subject: Descriptor, predicate: str = PREDICATE) -> tuple[Manifest, bytes]:
    """The manifest that attaches a statement to an image, and the config it names."""
    empty = b"{}"
    layer = describe(data, MEDIA_TYPE)
    layer = Descriptor(layer.media_type, layer.digest, layer.size, annotations=((PREDICATE_ANNOTATION, predicate),))
    manifest = Manifest(config=describe(empty, EMPTY_TYPE), layers=(layer,),
                        media_type="application/vnd.oci.image.manifest.v1+json", artifact_type=MEDIA_TYPE,
                        subject=Descriptor(subject.media_type, subject.digest, subject.size),
                        annotations=((PREDICATE_ANNOTATION, predicate),))
    return manifest, empty


def attach(store: Store, data: bytes, subject: Descriptor, predicate: str = PREDICATE) -> Descriptor:
    """Keep a statement in a store, attached to an image that is there."""
    manifest, empty = artefact(data, subject, predicate)
    put_bytes(store, empty, EMPTY_TYPE)
    put_bytes(store, data, MEDIA_TYPE)
    return attach_artefact(store, manifest.to_bytes(), manifest.kind)


def _digest(text: str) -> dict[str, str]:
    algorithm, _unused, value = str(text).partition(":")
    return {algorithm: value}


def _bases(built: Built) -> list[dict[str, Any]]:
    """Every image that was built on or copied from."""
    return [{"uri": f"pkg:docker/{found.name}", "digest": _digest(found.descriptor.digest),
             "annotations": {"platform": str(found.image.config.platform)}}
            for found in sorted(built.bases, key=lambda found: (found.name, found.descriptor.digest))]


def _downloads(built: Built) -> list[dict[str, Any]]:
    """Every URL and repository that ADD named, and every URL that a RUN asked for by the proxy of downloads."""
    out = []
    for stage in built.plan.stages:
        for step in stage.steps:
            for source in step.sources if isinstance(step, Transfer) else ():
                if isinstance(source, Download | Clone):
                    digest = dict(built.fetched).get(source.url, "")
                    out.append({"uri": redact(source.url), **({"digest": _digest(digest)} if digest else {})})
    for _unused, run in built.plan.runs():
        place = {"annotations": {"run": f"{built.plan.file}:{run.instruction.line}"}}
        for one in built.by_run.get(id(run), ()):
            out.append({"uri": redact(one.url), **({"digest": _digest(one.digest)} if one.digest else {}), **place})
    return out


def _context(built: Built) -> list[dict[str, Any]]:
    """The files that were taken from build contexts, as one digest over their names and contents."""
    taken = built.taken.pairs()
    if not taken:
        return []
    digest = hashlib.sha256()
    for path, found in taken:
        digest.update(f"{found}  {path}\n".encode("utf-8", "surrogatepass"))
    return [{"name": "context", "digest": {"sha256": digest.hexdigest()}, "annotations": {"files": len(taken)}}]
