# SPDX-License-Identifier: Apache-2.0
"""The images of a Docker daemon."""
