"""The folder `cbor`: values and their one encoding, and bytes that are some other encoding or none.

What the values mean to a notification is a matter of the folder `notification`.
"""

from kit.cbor import (
    ARRAY,
    BYTES,
    NINT,
    SIMPLE,
    TAG,
    TEXT,
    UINT,
    Value,
    encode,
    head,
    pairs_in_this_order,
    told,
)
from kit.vectors import Case, Draw, Family

family = Family("cbor")
SECTION = "TOC-1 §1.4"


def means(value: Value) -> Case:
    return Case(operation="cbor", input={"data": encode(value)}, output={"value": told(value)})


def refused(data: bytes | str) -> Case:
    raw = bytes.fromhex(data) if isinstance(data, str) else data
    return Case(operation="cbor", input={"data": raw}, expect="cbor")


def nested(depth: int) -> Value:
    value: Value = 0
    for _ in range(depth):
        value = [value]
    return value


@family.vector(SECTION, "Unsigned integers on both sides of every change of width.")
def unsigned_widths(_draw: Draw) -> Case:
    return means([0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**64 - 1])


@family.vector(SECTION, "Negative integers on both sides of every change of width.")
def negative_widths(_draw: Draw) -> Case:
    return means([-1, -24, -25, -256, -257, -65_537, -(2**32) - 1, -(2**64)])


@family.vector(SECTION, "The three simple values there are.")
def false_true_null(_draw: Draw) -> Case:
    return means([False, True, None])


@family.vector(SECTION, "Bytes and text on both sides of the first change of width.")
def strings(draw: Draw) -> Case:
    return means([b"", draw("short", 23), draw("long", 24), "", "x" * 23, "x" * 24])


@family.vector(SECTION, "Text counts bytes of UTF-8, not characters; NUL and a noncharacter are text too.")
def text_of_many_bytes(_draw: Draw) -> Case:
    return means("\u00e4\u20ac\U0001f514\x00\uffff")


@family.vector(SECTION, "An empty array, an empty map, and no depth used up beside them.")
def empty_containers(_draw: Draw) -> Case:
    return means([[], {}, [{}]])


@family.vector(SECTION, "Keys in the order of their encoded bytes: 9, 100, -1, empty bytes, then text.")
def keys_by_their_bytes(_draw: Draw) -> Case:
    return means({9: 0, 100: 1, -1: 2, b"": 3, "z": 4, "aa": 5})


@family.vector(SECTION, "Eight containers inside each other are the most there may be.")
def depth_of_eight(_draw: Draw) -> Case:
    return means(nested(8))


@family.vector(SECTION, "A single number is a document.")
def a_bare_number(_draw: Draw) -> Case:
    return means(1_000_000)


@family.vector(SECTION, "No bytes are no value.")
def nothing(_draw: Draw) -> Case:
    return refused(b"")


@family.vector(SECTION, "A byte string of indefinite length.")
def indefinite_bytes(_draw: Draw) -> Case:
    return refused("5f41614161ff")


@family.vector(SECTION, "Text of indefinite length.")
def indefinite_text(_draw: Draw) -> Case:
    return refused("7f61616161ff")


@family.vector(SECTION, "An array of indefinite length.")
def indefinite_array(_draw: Draw) -> Case:
    return refused("9f00ff")


@family.vector(SECTION, "A map of indefinite length.")
def indefinite_map(_draw: Draw) -> Case:
    return refused("bf0000ff")


@family.vector(SECTION, "The byte that ends an indefinite length, where none began.")
def break_alone(_draw: Draw) -> Case:
    return refused("ff")


@family.vector(SECTION, "23 in two bytes; it has one.")
def long_form_of_23(_draw: Draw) -> Case:
    return refused(head(UINT, 23, width=1))


@family.vector(SECTION, "255 in three bytes; it has two.")
def long_form_of_255(_draw: Draw) -> Case:
    return refused(head(UINT, 255, width=2))


@family.vector(SECTION, "65535 in five bytes; it has three.")
def long_form_of_65535(_draw: Draw) -> Case:
    return refused(head(UINT, 65_535, width=4))


@family.vector(SECTION, "2^32 - 1 in nine bytes; it has five.")
def long_form_of_4294967295(_draw: Draw) -> Case:
    return refused(head(UINT, 2**32 - 1, width=8))


@family.vector(SECTION, "-1 in two bytes; it has one.")
def long_form_of_minus_one(_draw: Draw) -> Case:
    return refused(head(NINT, 0, width=1))


@family.vector(SECTION, "A byte string whose length is written too long.")
def long_form_of_a_length(_draw: Draw) -> Case:
    return refused(head(BYTES, 1, width=1) + b"a")


@family.vector(SECTION, "An array whose count is written too long.")
def long_form_of_a_count(_draw: Draw) -> Case:
    return refused(head(ARRAY, 1, width=2) + b"\0")


@family.vector(SECTION, "Additional information 28 means nothing.")
def reserved_information(_draw: Draw) -> Case:
    return refused("1c")


@family.vector(SECTION, "A key twice, with different values: two readers could keep different ones.")
def key_twice(_draw: Draw) -> Case:
    return refused(pairs_in_this_order((encode(0), encode(1)), (encode(0), encode(2))))


@family.vector(SECTION, "Keys in falling order.")
def keys_falling(_draw: Draw) -> Case:
    return refused(pairs_in_this_order((encode(1), encode(0)), (encode(0), encode(0))))


@family.vector(SECTION, "Shorter keys first: the older order that many libraries call canonical.")
def keys_by_their_length(_draw: Draw) -> Case:
    return refused(pairs_in_this_order((encode(-1), encode(0)), (encode(100), encode(0))))


@family.vector(SECTION, "A key that is a boolean: in many languages it is also the number 1.")
def boolean_key(_draw: Draw) -> Case:
    return refused(pairs_in_this_order((encode(True), encode(0))))


@family.vector(SECTION, "A key that is null.")
def null_key(_draw: Draw) -> Case:
    return refused(pairs_in_this_order((encode(None), encode(0))))


@family.vector(SECTION, "A key that is an array.")
def array_key(_draw: Draw) -> Case:
    return refused(pairs_in_this_order((encode([]), encode(0))))


@family.vector(SECTION, "A float of two bytes, although its value is 1.")
def half_float(_draw: Draw) -> Case:
    return refused("f93c00")


@family.vector(SECTION, "A float of eight bytes.")
def double_float(_draw: Draw) -> Case:
    return refused("fb3ff199999999999a")


@family.vector(SECTION, "A tag, around a value that would be allowed.")
def tagged(_draw: Draw) -> Case:
    return refused(head(TAG, 0) + encode("2027-01-15"))


@family.vector(SECTION, "A bignum is a tag as well.")
def bignum(_draw: Draw) -> Case:
    return refused(head(TAG, 2) + encode(b"\x01" + bytes(8)))


@family.vector(SECTION, "The simple value undefined.")
def undefined(_draw: Draw) -> Case:
    return refused(head(SIMPLE, 23))


@family.vector(SECTION, "The simple value false in two bytes.")
def long_form_of_false(_draw: Draw) -> Case:
    return refused(head(SIMPLE, 20, width=1))


@family.vector(SECTION, "Nine containers inside each other.")
def depth_of_nine(_draw: Draw) -> Case:
    return refused(encode(nested(9)))


@family.vector(SECTION, "Nine deep through the values of maps.")
def depth_of_nine_in_maps(_draw: Draw) -> Case:
    return refused(bytes.fromhex("a100") * 9 + b"\0")


@family.vector(SECTION, "Five thousand deep: a reader that recurses without a limit would fall over.")
def depth_of_five_thousand(_draw: Draw) -> Case:
    return refused(head(ARRAY, 1) * 5000 + b"\0")


@family.vector(SECTION, "Bytes that end before their length.")
def bytes_cut_short(_draw: Draw) -> Case:
    return refused("4261")


@family.vector(SECTION, "An array that claims 2^64 - 1 items: memory is not taken on such a word.")
def array_of_any_length(_draw: Draw) -> Case:
    return refused(head(ARRAY, 2**64 - 1))


@family.vector(SECTION, "A byte behind the value.")
def trailing_byte(_draw: Draw) -> Case:
    return refused(encode({0: 0}) + b"\0")


@family.vector(SECTION, "Text that is not UTF-8.")
def text_not_utf8(_draw: Draw) -> Case:
    return refused(head(TEXT, 1) + b"\xff")


@family.vector(SECTION, "NUL in two bytes of UTF-8; it has one.")
def overlong_utf8(_draw: Draw) -> Case:
    return refused(head(TEXT, 2) + b"\xc0\x80")


@family.vector(SECTION, "Half of a surrogate pair is no character.")
def surrogate_in_utf8(_draw: Draw) -> Case:
    return refused(head(TEXT, 3) + b"\xed\xa0\x80")


@family.vector(SECTION, "A key that is a map.")
def map_key(_draw: Draw) -> Case:
    return refused(pairs_in_this_order((encode({}), encode(0))))


@family.vector(SECTION, "Eight maps inside each other are allowed as eight arrays are.")
def depth_of_eight_in_maps(_draw: Draw) -> Case:
    value: Value = 0
    for _ in range(8):
        value = {0: value}
    return means(value)


@family.vector(SECTION, "The simple value 0, in one byte.")
def simple_0(_draw: Draw) -> Case:
    return refused(head(SIMPLE, 0))


@family.vector(SECTION, "The simple value 19, in one byte.")
def simple_19(_draw: Draw) -> Case:
    return refused(head(SIMPLE, 19))


@family.vector(SECTION, "The simple value 32, the first of two bytes.")
def simple_32(_draw: Draw) -> Case:
    return refused(head(SIMPLE, 32))
