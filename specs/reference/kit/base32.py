"""Base32 of TOC-1 §1.5, with a word to say about the bits that are left over.

It reads nothing.
"""

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def encode(raw: bytes, spare_bits: int = 0) -> str:
    """`spare_bits` is put where the last character has bits that belong to no byte."""
    characters = -(-8 * len(raw) // 5)
    spare = 5 * characters - 8 * len(raw)
    number = int.from_bytes(raw, "big") << spare | spare_bits
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(characters)))
