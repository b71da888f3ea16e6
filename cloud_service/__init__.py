"""The cloud's side: a model server that speaks the Open Inference Protocol v2.

app puts it together; service is the data plane, which knows no transport; grpc and http are the transports; repository
and backends are where models come from and what they run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud_service.config import Address, Settings, read_settings
from cloud_service.errors import CloudError

if TYPE_CHECKING:
    from cloud_service.app import App

__all__ = ["Address", "App", "CloudError", "Settings", "read_settings"]


def __getattr__(name: str) -> object:
    # It wants what the extra `cloud` installs, and the command has to be able to say so.
    if name == "App":
        from cloud_service.app import App

        return App
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
