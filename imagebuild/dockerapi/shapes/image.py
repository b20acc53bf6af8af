# SPDX-License-Identifier: Apache-2.0
"""What an engine tells of images, and what registries are logged in to with.

Source: moby 26.1 ``api/types/image/*.go``, ``api/types/types.go``, ``api/types/registry/*.go``.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..duration import NEVER
from ..shape import Shape, key, shape
from .config import Config
from .container import GraphDriver


@shape("image.Summary")
class ImageSummary(Shape):
    """One row of ``GET /images/json``; -1 is what was not counted, ``created`` in seconds since 1970."""

    containers: int = key("Containers", -1)
    created: int = key("Created")
    id: str = key("Id")
    labels: Mapping[str, str] | None = key("Labels")
    parent_id: str = key("ParentId")
    repo_digests: tuple[str, ...] = key("RepoDigests")
    repo_tags: tuple[str, ...] = key("RepoTags")
    shared_size: int = key("SharedSize", -1)
    size: int = key("Size")
    virtual_size: int = key("VirtualSize", omitempty=True)  #: left out since API 1.44


@shape("types.RootFS")
class RootFs(Shape):
    """The layers by diff id."""

    type: str = key("Type", omitempty=True)
    layers: tuple[str, ...] = key("Layers", omitempty=True)


@shape("image.Metadata")
class ImageMetadata(Shape):
    """When it was tagged last, here."""

    last_tag_time: str = key("LastTagTime", NEVER)


@shape("types.ImageInspect")
class ImageInspect(Shape):
    """``GET /images/{name}/json``."""

    id: str = key("Id")
    repo_tags: tuple[str, ...] = key("RepoTags")
    repo_digests: tuple[str, ...] = key("RepoDigests")
    parent: str = key("Parent")
    comment: str = key("Comment")
    created: str = key("Created", omitempty=True)
    container: str = key("Container", omitempty=True)  #: left out since API 1.45
    container_config: Config | None = key("ContainerConfig", omitempty=True)  #: left out since API 1.45
    docker_version: str = key("DockerVersion")
    author: str = key("Author")
    config: Config | None = key("Config")
    architecture: str = key("Architecture")
    variant: str = key("Variant", omitempty=True)
    os: str = key("Os")
    os_version: str = key("OsVersion", omitempty=True)
    size: int = key("Size")
    virtual_size: int = key("VirtualSize", omitempty=True)  #: left out since API 1.44
    graph_driver: GraphDriver = key("GraphDriver")
    root_fs: RootFs = key("RootFS")
    metadata: ImageMetadata = key("Metadata")


@shape("image.HistoryResponseItem")
class HistoryItem(Shape):
    """One row of ``GET /images/{name}/history``, newest first."""

    comment: str = key("Comment")
    created: int = key("Created")
    created_by: str = key("CreatedBy")
    id: str = key("Id", "<missing>")
    size: int = key("Size")
    tags: tuple[str, ...] | None = key("Tags")


@shape("image.DeleteResponse")
class ImageDeleted(Shape):
    """One thing that ``DELETE /images/{name}`` did."""

    deleted: str = key("Deleted", omitempty=True)
    untagged: str = key("Untagged", omitempty=True)


@shape("types.ImagesPruneReport")
class ImagesPruned(Shape):
    """The answer of ``POST /images/prune``."""

    deleted: tuple[ImageDeleted, ...] | None = key("ImagesDeleted")
    space_reclaimed: int = key("SpaceReclaimed")


@shape("registry.AuthConfig")
class AuthConfig(Shape):
    """Credentials: the body of ``POST /auth``, the header ``X-Registry-Auth``."""

    username: str = key("username", omitempty=True)
    password: str = key("password", omitempty=True)
    auth: str = key("auth", omitempty=True)
    email: str = key("email", omitempty=True)
    server_address: str = key("serveraddress", omitempty=True)
    identity_token: str = key("identitytoken", omitempty=True)
    registry_token: str = key("registrytoken", omitempty=True)

    def __repr__(self) -> str:
        return f"AuthConfig(username={self.username!r}, server_address={self.server_address!r})"


@shape("registry.AuthenticateOKBody")
class Authenticated(Shape):
    """The answer of ``POST /auth``."""

    identity_token: str = key("IdentityToken")
    status: str = key("Status")
