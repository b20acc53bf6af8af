# SPDX-License-Identifier: Apache-2.0
"""Repositories of registries (OCI distribution-spec 1.1)."""
