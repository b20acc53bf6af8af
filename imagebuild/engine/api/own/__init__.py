# SPDX-License-Identifier: Apache-2.0
"""Calls below ``/wcow`` that moby does not have."""
