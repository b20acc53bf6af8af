# SPDX-License-Identifier: Apache-2.0
"""Images in folders: OCI layouts, the user's own store, skopeo's ``dir:``."""
