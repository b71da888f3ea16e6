"""`nearfar-cloud`, the command for whoever runs the service.

serve      serve a repository of models until told to stop
health     ask a running service how it is
bench      load a server of the protocol, and print what came of it
prepare    make a release of a trained model, with a promise
recertify  renew a release's promise from what production told"""

from __future__ import annotations

from cloud_service.cli.command import main

__all__ = ["main"]
