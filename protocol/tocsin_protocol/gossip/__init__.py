"""Gossip without sockets: the RPC codec, the router and what goes in and comes out of it.

It does not know what an envelope means; it asks the validator that it was given.
"""
