# SPDX-License-Identifier: Apache-2.0
"""One file that holds images: OCI archives and docker archives."""
