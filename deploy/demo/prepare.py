"""Make what the demo of compose.yaml needs, once: two models, and certificates that no one else trusts.

    python3 prepare.py DIR [--owner UID]

DIR/models/digits/1/      the cloud's repository, the full model
DIR/releases/digits/      the device's release, a model in int8
DIR/tls/                  ca.pem; cloud.pem and cloud.key, for the host name `cloud`; good for 30 days

What is there already stays, so that a second start serves the same models. It all belongs to UID in the end."""

from __future__ import annotations

import argparse
import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.demo.release import make_release

_HOST = "cloud"
_LIFETIME = datetime.timedelta(days=30)


def main(directory: Path, owner: int | None) -> None:
    """Write what is missing under `directory`, and give it to `owner`."""
    if not (directory / "models").is_dir():
        made = make_release(directory)
        print(f"made {made.release} and {made.models}", flush=True)
    if not (directory / "tls").is_dir():
        make_certificates(directory / "tls")
        print(f"made {directory / 'tls'}", flush=True)
    if owner is not None:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, owner, owner)


def make_certificates(directory: Path) -> None:
    """Write an authority's certificate, and a certificate and key for the cloud's host name that it signed.

    The authority's own key is forgotten: nothing else will ever be signed with it."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("nearfar demo", authority_key.public_key(), "nearfar demo", authority_key, ca=True)
    cloud = _certificate(_HOST, key.public_key(), "nearfar demo", authority_key, ca=False)
    directory.mkdir(parents=True)
    (directory / "ca.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (directory / "cloud.pem").write_bytes(cloud.public_bytes(serialization.Encoding.PEM))
    secret = directory / "cloud.key"
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    secret.chmod(0o400)


def _certificate(
    name: str,
    public: ec.EllipticCurvePublicKey,
    issuer: str,
    signed_with: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    named = x509.CertificateBuilder(
        issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]),
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
        public_key=public,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(minutes=5),
        not_valid_after=now + _LIFETIME,
    ).add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
    if not ca:
        named = named.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return named.sign(signed_with, hashes.SHA256())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--owner", type=int)
    given = parser.parse_args()
    main(given.directory, given.owner)
