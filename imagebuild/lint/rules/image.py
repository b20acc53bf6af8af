# SPDX-License-Identifier: Apache-2.0
"""Rules about manifests, configs and indexes: what an engine looks at before any layer is imported."""

from __future__ import annotations

from .finding import Rule, Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_PULL = "moby/moby:daemon/internal/distribution/pull_v2_windows.go"
_LAYERS = "moby/moby:daemon/internal/layer/layer_store.go"
_MATCH = "containerd/platforms:platform_windows_compat.go"

IMAGE_RULES = (
    Rule("config-os", "the config's os is not windows", {"engine": ERROR}, _PULL,
         "A Windows engine takes images for windows only.", 'set "os": "windows" in the config'),
    Rule("config-architecture", "the config's architecture is neither amd64 nor arm64", {"engine": ERROR}, _PULL,
         "The engine compares it with its own; there is Windows for amd64 and arm64.",
         'set "architecture" to amd64 or arm64'),
    Rule("os-version-missing", "the config has no os.version", {"engine": NOTE},
         f"{_PULL}; microsoft/windows-host-process-containers-base-image:README.md",
         "Right for a HostProcess image, which runs on every Windows. Any other one is taken by hosts that cannot run "
         "it, since the check is skipped.",
         'set "os.version" to that of the base, unless this is a HostProcess image'),
    Rule("os-version-malformed", "an os.version that is no Windows version", {"engine": WARNING}, _MATCH,
         "Fewer than three numbers match every host; engines compare the build, the third one.",
         "write it as 10.0.BUILD.REVISION"),
    Rule("release-ended", "the Windows of the image gets no updates any more", {"engine": WARNING},
         "imagebuild/windows/releases.json, where each date has its source",
         "Nobody closes its holes. Microsoft takes old base images away in time.",
         "build on a release that gets updates (wcow compat builds lists them)"),
    Rule("release-unlisted", "the image is for a Windows that is not among the known releases", {"engine": NOTE},
         "imagebuild/windows/releases.json",
         "Right for a preview. Else the number may be mistyped, and no host takes the image.",
         "compare os.version with that of the base"),
    Rule("no-layers", "an image without layers", {"engine": ERROR}, _LAYERS,
         "There is nothing to run.", "build it from a base"),
    Rule("diff-ids-count", "not as many layers as diff ids", {"engine": ERROR},
         "moby/moby:daemon/internal/distribution/pull_v2.go",
         "Manifest and config contradict each other; the engine refuses the image.", "build the image again"),
    Rule("diff-id-mismatch", "a layer whose content is not what the config says", {"engine": ERROR},
         "image-spec config.md (rootfs.diff_ids); moby/moby:daemon/internal/distribution/xfer/download.go",
         "The digest of the unpacked tar differs from the diff id, and the engine refuses the layer.",
         "build the image again; whoever changed the layer must change the config, too"),
    Rule("too-many-layers", "more than 125 layers", {"engine": ERROR}, _LAYERS,
         "Docker stops at a depth of 125 ('max depth exceeded').", "put several steps into one layer"),
    Rule("mixed-compression", "layers are compressed in different ways", {"engine": NOTE},
         "image-spec layer.md",
         "Every engine decides layer by layer, but older tools that copy images expect one way.",
         "compress new layers as the base is, where old tools copy the image"),
    Rule("plain-layer-among-compressed", "a plain layer among compressed ones", {"engine": WARNING},
         "google/go-containerregistry#1980",
         "Tools that copy images were seen to fail on it.", "compress all layers"),
    Rule("layer-media-type", "a layer of a type that no engine takes", {"engine": ERROR},
         "image-spec media-types.md; containerd/containerd:core/images/mediatypes.go",
         "Engines refuse it, or skip it and then miss a layer.",
         "use application/vnd.oci.image.layer.v1.tar with +gzip, +zstd or nothing, or Docker's own types"),
    Rule("config-media-type", "a config of a type that is no image's", {"engine": ERROR},
         "image-spec manifest.md", "This is an artefact, and nothing that can run.",
         "use application/vnd.oci.image.config.v1+json"),
    Rule("media-type-families", "types of Docker and of OCI in one manifest", {"engine": NOTE},
         "distribution/distribution: manifest-v2-2.md; image-spec manifest.md",
         "Engines take it; registries and scanners that check manifests may not.", "copy the image with --convert, or "
         "build it again"),
    Rule("layer-compression", "a layer is not compressed as its type says", {"engine": WARNING},
         "image-spec layer.md; containerd/containerd:pkg/archive/compression",
         "Engines look at the bytes; others believe the type and fail.", "give the layer the type of what it is"),
    Rule("foreign-layer", "a layer that is kept elsewhere", {"engine": NOTE},
         "image-spec layer.md (non-distributable layers); docker-library/official-images#14853",
         "It is fetched from its urls, which an isolated network may not reach. Microsoft stopped using such layers in "
         "2023.",
         "use a newer base, or push the layer to your registry"),
    Rule("foreign-layer-without-urls", "a foreign layer without urls", {"engine": WARNING},
         "image-spec descriptor.md (urls)",
         "Nobody need keep a layer of this type, and nothing says where it is to be had.",
         "give the layer an ordinary type and push it"),
    Rule("history-count", "the history speaks of another number of layers", {"engine": NOTE},
         "image-spec config.md (history)",
         "Tools that show or rewrite layers go by the history.", "make one history entry per layer, others with "
         "empty_layer"),
    Rule("path-without-system32", "PATH is set and does not name System32", {"engine": NOTE},
         "moby/buildkit#5580, #3158, #1560",
         "A PATH of the config hides the one in the registry: commands of Windows are not found by their names.",
         "add C:\\Windows\\System32;C:\\Windows to it, or leave PATH to the registry"),
    Rule("index-os-version-missing", "the index says no os.version for an image that has one", {"engine": WARNING},
         f"{_MATCH}; kubernetes-sigs/azuredisk-csi-driver#519; docker/cli#2722",
         "Hosts choose from an index by its os.version. An entry without one matches all of them, and the first is "
         "taken.",
         "make the index again with each entry's os.version (wcow index create does)"),
    Rule("index-platform-mismatch", "the index says another platform than the config", {"engine": WARNING}, _MATCH,
         "Hosts choose by what the index says and then get another image.",
         "make the index again from the images' configs"),
    Rule("index-trap", "an index of which some engine takes the wrong entry", {"engine": WARNING},
         f"{_PULL}; {_MATCH}",
         "Engines choose in list order, and some compare versions as text: what they take may not run, where another "
         "entry would.",
         "make the index again (wcow index create orders the entries for all engines); wcow compat pick shows what one "
         "takes"),
)
