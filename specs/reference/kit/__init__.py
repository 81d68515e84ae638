"""The tools that the families of vectors are made with: plain, slow, and able to lie.

It is not an implementation to run a node on, and it shares no code with one.
"""
