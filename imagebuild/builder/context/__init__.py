# SPDX-License-Identifier: Apache-2.0
"""The files of a build: folder, tarball, standard input, URL or git, as one value."""
