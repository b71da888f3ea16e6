"""The release manifest: what a model takes and gives, described once, as the app sees it.

The app hands over `inputs` and receives `outputs`. What each side's model file wants instead (another name, type,
layout or scale) is that side's `feeds`, and which of its outputs is which of the app's is its `fetches`; so a later
release with other preprocessing changes no app. The same document lies on the device and in the cloud's repository.
`remote.send` says what crosses the wire: the app's tensors ("app": the server prepares), or what the full model takes
("model": prepared on the device, for servers that know no manifest).

document.py reads and checks it whole; feeds.py and sides.py are its tables, parts.py what those are made of."""

from nearfar_wire.manifest.document import MAX_MANIFEST_BYTES, Manifest, parse_manifest, read_manifest
from nearfar_wire.manifest.feeds import Feed, InputSpec, OutputSpec, Step, Tokenize
from nearfar_wire.manifest.sides import (
    DeviceSide,
    EvaluatedThreshold,
    Evaluation,
    Measured,
    RemoteSide,
    Requires,
    Score,
    SidecarFile,
)

__all__ = [
    "MAX_MANIFEST_BYTES",
    "DeviceSide",
    "EvaluatedThreshold",
    "Evaluation",
    "Feed",
    "InputSpec",
    "Manifest",
    "Measured",
    "OutputSpec",
    "RemoteSide",
    "Requires",
    "Score",
    "SidecarFile",
    "Step",
    "Tokenize",
    "parse_manifest",
    "read_manifest",
]
