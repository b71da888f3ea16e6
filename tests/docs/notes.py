"""What readers of the reference want to know of a field beyond its docstring, and the titles of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = [
    "AGENT_NOTES",
    "AGENT_TITLES",
    "MANIFEST_NOTES",
    "MANIFEST_TITLES",
    "TENANTS_TITLES",
]

AGENT_TITLES: Final[Mapping[str, str]] = {
    "AgentConfig": "### The document",
    "ModelConfig": "### ModelConfig\n\nOne table `[models.NAME]`: NAME is what the app calls the model.",
    "RemoteConfig": "### RemoteConfig\n\nOne table `[targets.NAME]`: a place beside the device.",
    "TlsConfig": "### TlsConfig\n\nThe table `tls` of a target. An empty one (`tls = {}`) trusts the authorities that "
    "gRPC brings along.",
    "DeviceConfig": "### DeviceConfig\n\nThe table `[device]`: how models run here.",
    "SignalsConfig": "### SignalsConfig\n\nThe table `[signals]`: how often each signal is read, in seconds. No "
    "interval may be longer than a reading counts for, see [signals](policy.md#signals).",
}

AGENT_NOTES: Final[Mapping[str, str]] = {
    "AgentConfig.models": "At least one.",
    "AgentConfig.policy": "The policy file. Without one [the built-in policy](policy.md#without-a-policy-file) holds.",
    "AgentConfig.targets": "Without any nothing can leave the device.",
    "AgentConfig.device": "See below.",
    "AgentConfig.signals": "See below.",
    "SignalsConfig.battery_s": "Charge, and whether power is connected.",
    "SignalsConfig.processor_s": "Load of the processor.",
    "SignalsConfig.memory_s": "Free memory.",
    "SignalsConfig.temperature_s": "Temperature of the processor.",
}

MANIFEST_TITLES: Final[Mapping[str, str]] = {
    "Manifest": "### The document",
    "InputSpec": "### InputSpec\n\nOne entry of `[[inputs]]`.",
    "OutputSpec": "### OutputSpec\n\nOne entry of `[[outputs]]`.",
    "DeviceSide": "### DeviceSide\n\nThe table `[device]`.",
    "RemoteSide": "### RemoteSide\n\nThe table `[remote]`.",
    "Feed": "### Feed\n\nOne table `[device.feeds.NAME]` or `[remote.feeds.NAME]`: NAME is an input of the model file.",
    "Step": "### Step\n\nOne entry of a feed's `steps`. Exactly one field is set; steps run in the order they stand.",
    "Score": "### Score\n\nThe table `[score]`: where a device answer's confidence is read.",
    "Evaluation": "### Evaluation\n\nThe table `[evaluation]`.",
    "EvaluatedThreshold": "### EvaluatedThreshold\n\nOne of `[[evaluation.thresholds]]`.",
    "Tokenize": "### Tokenize\n\nThe field `tokenize` of a step.",
    "SidecarFile": "### SidecarFile\n\nThe tables `[labels]` and `[golden]`.",
    "Requires": "### Requires\n\nThe table `[requires]`: what a device has to have to load the release.",
    "Measured": "### Measured\n\nOne table `[measured.CLASS]`: the device's model on one class of device.",
}

MANIFEST_NOTES: Final[Mapping[str, str]] = {
    "Manifest.name": "The release's own name. An app calls the model as its configuration does.",
    "Manifest.version": "The release's version; `nearfar-agent doctor` tells it.",
    "Manifest.inputs": "What the app hands over; the names are unique.",
    "Manifest.outputs": "What the app receives; the names are unique.",
    "Manifest.device": "Without it the device cannot answer.",
    "Manifest.remote": "Without it no remote target can. One of the two has to be there.",
    "Manifest.score": "Without it no answer of the device escalates.",
    "Manifest.requires": "What a device has to have; one that has less does not load the device's model.",
    "SidecarFile.file": "A file beside the manifest; never a path.",
    "SidecarFile.digest": "Of its bytes; another file is refused.",
    "Tokenize.digest": "Of that file's bytes; another tokenizer is refused.",
    "Measured.latency_ms_p50": "Milliseconds of one run, median.",
    "Measured.latency_ms_p95": "Milliseconds of one run, 95 % quantile.",
    "Measured.memory_bytes": "What loading and running it took; unknown where the system does not tell.",
    "Measured.size_bytes": "Of the file.",
    "Manifest.evaluation": "Without it `p_wrong` of the policy speaks.",
    "InputSpec.name": "As the app's mapping has it.",
    "InputSpec.datatype": "One of the protocol's, see [datatypes](protocol.md#datatypes).",
    "OutputSpec.name": "As the result's `outputs` have it.",
    "OutputSpec.datatype": "One of the protocol's.",
    "OutputSpec.shape": "-1 is a dimension that may vary.",
    "Feed.source": "The app's input that it is made from.",
    "Feed.datatype": "What the model file takes.",
    "Feed.steps": "None: only the datatype is changed.",
    "DeviceSide.digest": "`sha256:` and 64 hex digits of the file. Compared before anything parses the file.",
    "DeviceSide.feeds": "The model file's input -> how it is made.",
    "DeviceSide.fetches": "App's output name -> the model file's; without it they are the same.",
    "RemoteSide.model": "The server's name for it.",
    "RemoteSide.send": "`app`: the app's tensors cross the wire, the server prepares them. `model`: the device "
    "prepares, for servers that know no manifest.",
    "RemoteSide.feeds": "The full model's input -> how it is made, on whichever side prepares.",
    "RemoteSide.fetches": "As the device's.",
    "Score.output": "One of `outputs`, of a floating point datatype; each row of its last axis is one score.",
    "Score.values": "Of logits a softmax is taken first.",
    "EvaluatedThreshold.below": "On the score that `[score]` names.",
    "Evaluation.n": "How many inputs it was measured on.",
    "Evaluation.device_wrong": "Share of the device's wrong answers.",
    "Evaluation.remote_wrong": "Share of the full model's wrong answers.",
}

SERVING_TITLES: Final[Mapping[str, str]] = {
    "ServingDocument": "### The document",
    "BatchingPart": "### BatchingPart\n\nThe table `[batching]`: which requests run together.",
    "InstancesPart": "### InstancesPart\n\nThe table `[instances]`: what a version runs on.",
    "VersionsPart": "### VersionsPart\n\nThe table `[versions]`: which of them are served. With neither key all are.",
    "GoldenPart": "### GoldenPart\n\nThe table `[golden]`: how near the golden outputs an answer has to be.",
}

SERVING_NOTES: Final[Mapping[str, str]] = {
    "ServingDocument.batching": "See below.",
    "ServingDocument.instances": "See below.",
    "ServingDocument.versions": "See below.",
    "ServingDocument.golden": "Of outputs with a fraction; others are compared exactly.",
    "VersionsPart.latest": "Those that cannot be served do not count.",
}

TENANTS_TITLES: Final[Mapping[str, str]] = {
    "TenantsDocument": "### The document",
    "TenantPart": "### TenantPart\n\nThe table `[default]`, or one table `[tenants.NAME]`. What a tenant's table does "
    "not say is the default's, and what neither says is unbounded.",
}
