"""How programs talk to a running node: one method table, offered over the profile's socket.

It decides nothing; each method hands typed parameters to the node and gives back a typed result.
"""
