# SPDX-License-Identifier: Apache-2.0
"""The calls of the Docker Engine API: one module for each of moby's routers."""
