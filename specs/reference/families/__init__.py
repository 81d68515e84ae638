"""One module for each folder of vectors, one function for each vector.

What a vector is, and how it becomes a file, is in `kit.vectors`, not here.
"""
