"""The engine that runs the production machines in virtual time, on real bytes and real hashes.

It does not approximate them; a million nodes are the business of another engine.
"""
