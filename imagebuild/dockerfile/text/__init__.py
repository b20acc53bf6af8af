# SPDX-License-Identifier: Apache-2.0
"""The text of a Dockerfile, cut into statements and their parts."""
