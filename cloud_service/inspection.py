"""What is told of models by Triton's statistics and model configuration extensions, as their messages, whatever the
transport. Pure."""

from __future__ import annotations

from typing import Final

from cloud_service.account import Duration, Statistics
from cloud_service.configuration import BACKEND, PLATFORM, Configuration
from cloud_service.repository.serving import All, Latest, VersionPolicy
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.datatypes import BYTES

__all__ = ["config_message", "statistics_message"]

_NOTHING: Final = Duration()


def statistics_message(told: Statistics) -> pb.ModelStatistics:
    """Return a version's statistics as the message has them."""
    return pb.ModelStatistics(
        name=told.model,
        version=told.version,
        last_inference=told.last_utc_ms,
        inference_count=told.rows,
        execution_count=told.runs,
        inference_stats=pb.InferStatistics(
            success=_duration(told.success),
            fail=_duration(told.fail),
            queue=_duration(told.queue),
            compute_input=_duration(told.read),
            compute_infer=_duration(told.run),
            compute_output=_duration(told.written),
            cache_hit=_duration(_NOTHING),
            cache_miss=_duration(_NOTHING),
        ),
        batch_stats=[
            pb.InferBatchStatistics(
                batch_size=batches.rows,
                compute_input=_duration(batches.read),
                compute_infer=_duration(batches.run),
                compute_output=_duration(batches.written),
            )
            for batches in told.batches
        ],
    )


def config_message(told: Configuration) -> pb.ModelConfig:
    """Return a version's configuration as the message has it."""
    message = pb.ModelConfig(
        name=told.model,
        platform=PLATFORM,
        backend=BACKEND,
        version_policy=_policy(told.version_policy),
        max_batch_size=told.max_batch_size,
        input=[pb.ModelInput(name=s.name, data_type=_data_type(s.datatype), dims=s.shape) for s in told.inputs],
        output=[pb.ModelOutput(name=s.name, data_type=_data_type(s.datatype), dims=s.shape) for s in told.outputs],
        instance_group=[pb.ModelInstanceGroup(name=told.model, count=told.runs, kind=pb.ModelInstanceGroup.KIND_CPU)],
        default_model_filename=told.model_file,
        parameters={key: pb.ModelParameter(string_value=value) for key, value in told.parameters.items()},
    )
    if told.batching is not None:
        message.dynamic_batching.SetInParent()  # that there is one says it, also where nothing in it is
        message.dynamic_batching.preferred_batch_size.extend(told.batching.preferred)
        message.dynamic_batching.max_queue_delay_microseconds = round(told.batching.max_queue_delay_s * 1e6)
    return message


def _policy(policy: VersionPolicy) -> pb.ModelVersionPolicy:
    if isinstance(policy, All):
        return pb.ModelVersionPolicy(all=pb.ModelVersionPolicy.All())
    if isinstance(policy, Latest):
        return pb.ModelVersionPolicy(latest=pb.ModelVersionPolicy.Latest(num_versions=policy.count))
    return pb.ModelVersionPolicy(specific=pb.ModelVersionPolicy.Specific(versions=sorted(policy.numbers)))


def _data_type(datatype: str) -> str:
    return "TYPE_STRING" if datatype == BYTES else f"TYPE_{datatype}"


def _duration(told: Duration) -> pb.StatisticDuration:
    return pb.StatisticDuration(count=told.count, ns=told.ns)
