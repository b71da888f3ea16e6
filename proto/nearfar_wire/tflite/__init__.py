"""What a LiteRT (.tflite) file is, read before the library sees it: what it takes and gives, and what is refused. Pure.

The library checks that a file is a whole flatbuffer. It does not check all that its kernels rely on, and ends the
process where that does not hold; and it would run code that a file names but does not hold. So every index, shape and
scale is looked at here. That closes what mutated files were seen to do. No more than that can be said of somebody
else's kernels: a file that nobody vouches for is first run in a process of its own.

file.py reads; operators.py says which operators are refused, and what kernels take for granted; port.py is how an input
or output looks from outside."""

from nearfar_wire.tflite.file import TYPES, TfliteFile, is_tflite, read_tflite
from nearfar_wire.tflite.port import Port

__all__ = ["TYPES", "Port", "TfliteFile", "is_tflite", "read_tflite"]
