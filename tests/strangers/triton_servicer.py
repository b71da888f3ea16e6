"""Run by a stranger's Python: a server built from tritonclient's stubs. Prints its port; ends with its standard input.

It answers model "sums" with the sum of each row, and knows nothing of digests."""

from __future__ import annotations

import sys
from concurrent import futures

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc


class Sums(service_pb2_grpc.GRPCInferenceServiceServicer):
    def ServerLive(self, request: object, context: object) -> object:
        return service_pb2.ServerLiveResponse(live=True)

    def ServerReady(self, request: object, context: object) -> object:
        return service_pb2.ServerReadyResponse(ready=True)

    def ModelReady(self, request: object, context: object) -> object:
        return service_pb2.ModelReadyResponse(ready=True)

    def ModelInfer(self, request: object, context: grpc.ServicerContext) -> object:
        sent = request.inputs[0]
        if request.model_name != "sums" or sent.datatype != "FP32" or not request.raw_input_contents:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "unexpected request")
        rows = np.frombuffer(request.raw_input_contents[0], np.float32).reshape(list(sent.shape))
        sums = rows.sum(axis=1, keepdims=True)
        response = service_pb2.ModelInferResponse(model_name="sums", model_version="1", id=request.id)
        response.outputs.add(name="total", datatype="FP32", shape=list(sums.shape))
        response.raw_output_contents.append(sums.tobytes())
        return response


server = grpc.server(futures.ThreadPoolExecutor(2))
service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(Sums(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.read()
server.stop(1).wait(5)
