# SPDX-License-Identifier: Apache-2.0
"""The process that holds an engine's networks: a user and network namespace, and all that passes through it.

It is a program of its own (``python -I -S`` runs :func:`.agent.main`), so that it is small, needs nothing but the
standard library, and takes every namespace with it when it ends; it ends when the engine does. Inside its network
namespace are the bridges; each container's namespace is an open descriptor of this process. It answers the containers'
DNS queries and carries published ports: their listening sockets come from the engine, which opened them outside.
"""
