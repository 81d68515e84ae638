"""The simulators: scenarios, the engine that runs them on the protocol's own machines, and what it measured.

They never import the node, and nothing of them runs in it.
"""
