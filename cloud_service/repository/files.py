"""Files of the repository, read once, whole, and only where they are files of the repository.

A pipe or a device would be waited for for ever, and a link out of the repository would serve whatever it points at. A
link within it is fine: that is how a mounted volume changes all of its files at once."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from cloud_service.errors import UnservableModel

__all__ = ["read_regular"]

# A pipe's end could block the open itself. Windows has neither.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def read_regular(path: Path, *, within: Path, max_bytes: int) -> bytes | None:
    """Return what the file holds, or None where there is none; `within` is the repository.

    Raises UnservableModel: where it is no regular file, lies elsewhere, is too long, or cannot be read."""
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(within.resolve(strict=True)):
            raise UnservableModel(f"{path} is a link that leads out of the repository; put the file itself there")
        # What was looked at is what is read: the kind is asked of the open file.
        with open(os.open(real, _FLAGS), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnservableModel(f"{path} is not a regular file")
            if status.st_size > max_bytes:
                raise UnservableModel(f"{path} is longer than {max_bytes} bytes")
            # One more: a file that grows under the reader shows it, and nothing is set aside for what is not there.
            content = file.read(status.st_size + 1)
    except FileNotFoundError:
        if path.is_symlink():
            raise UnservableModel(f"{path} is a link to nothing") from None
        return None
    except RuntimeError as error:  # Python before 3.13 has its own word for links in a circle
        raise UnservableModel(f"{path} cannot be read ({os.strerror(errno.ELOOP)})") from error
    except OSError as error:
        raise UnservableModel(f"{path} cannot be read ({error.strerror or type(error).__name__})") from error
    if len(content) != status.st_size:
        raise UnservableModel(f"{path} was written to while it was read")
    return content
