"""What a node keeps: records, the changes that may be made to them, and two stores that obey.

It is not the store-and-forward role of the network; that one keeps other people's envelopes.
"""
