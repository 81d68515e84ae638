"""The Tocsin node: joins a gossip network and rings locally when an envelope for its owner arrives.

It is imported lazily: this module alone loads neither trio nor libp2p.
"""

__version__ = "0.1.0"
