"""The data plane on gRPC: servicers convert, the guard answers for errors, the server listens."""
