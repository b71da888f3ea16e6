"""What the settings say of identity and encryption, read from their files and put together.

What verifies tokens and reads certificates is loaded where the settings want it: it takes nine megabytes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloud_service.auth.authenticator import Authenticator
from cloud_service.auth.certificates import ServerTls
from cloud_service.auth.renewal import Renewal, Watched
from cloud_service.auth.revocations import MAX_FILE_BYTES, read_names
from cloud_service.config import Settings
from cloud_service.errors import SettingsError

if TYPE_CHECKING:
    from cloud_service.auth.keys import PublicKey

__all__ = ["Identity", "open_identity"]

_LOG: Final = logging.getLogger(__name__)

_MAX_KEYS_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """Who may call, and how it is encrypted: `tls` is None for plaintext. `renewal` keeps both up to date."""

    authenticator: Authenticator
    tls: ServerTls | None
    renewal: Renewal


def open_identity(settings: Settings, *, on_certificate: Callable[[float], None]) -> Identity:
    """Read the files that `settings` name. `on_certificate` is told until when each certificate that is served holds.

    Raises SettingsError: for what cannot be read or used."""
    watched: list[Watched[Any]] = []  # Any: as Renewal has it
    tls = tokens = None
    revoked: Callable[[], frozenset[str]] = frozenset
    if settings.tls_certificate is not None and settings.tls_key is not None:
        from cloud_service.auth.material import TlsFiles, read_material, refuse_expired

        files = TlsFiles(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
        material = Watched(
            files.paths(),
            partial(read_material, files),
            replaces=refuse_expired,
            on_change=lambda m: on_certificate(m.expires_utc),
        )
        watched.append(material)
        tls = ServerTls(material.value)
        if material.value().own_expires_utc <= time.time():
            # It may be the clock; and to be gone altogether helps nobody.
            _LOG.error(
                "%s has expired and is served; clients that look turn away until it is renewed", files.certificate
            )
    if settings.token_keys is not None:
        from cloud_service.auth.tokens import SignedTokens, TokenRule

        keys = Watched([settings.token_keys], partial(_keys, settings.token_keys, settings.token_algorithms))
        watched.append(keys)
        rule = TokenRule(settings.token_audience, settings.token_issuer, settings.token_tenant_claim)
        tokens = SignedTokens(keys.value, rule)
    if settings.revoked is not None:
        names = Watched([settings.revoked], partial(_names, settings.revoked))
        watched.append(names)
        revoked = names.value
    authenticator = Authenticator(
        tokens=tokens,
        certificates=settings.tls_client_ca is not None,
        admin_token=None if settings.admin_token is None else settings.admin_token.get_secret_value(),
        administrators=settings.administrators,
        revoked=revoked,
    )
    return Identity(authenticator, tls, Renewal(watched))


def _keys(path: Path, algorithms: Collection[str]) -> Sequence[PublicKey]:
    from cloud_service.auth.keys import UnusableKeys, read_keys

    try:
        return read_keys(_read("token_keys", path, _MAX_KEYS_BYTES), algorithms)
    except UnusableKeys as error:
        raise SettingsError("token_keys", f"{path}: {error}") from error


def _names(path: Path) -> frozenset[str]:
    try:
        return read_names(_read("revoked", path, MAX_FILE_BYTES))
    except ValueError as error:
        raise SettingsError("revoked", f"{path} is no text in UTF-8") from error


def _read(setting: str, path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            document = file.read(limit + 1)
    except OSError as error:
        raise SettingsError(setting, f"{path} cannot be read ({error.strerror})") from error
    if len(document) > limit:
        raise SettingsError(setting, f"{path} is longer than {limit} bytes, the limit")
    return document
