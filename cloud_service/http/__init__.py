"""HTTP: the protocol over REST, and the operations port with metrics and probes.

front is the one that listens, on aiohttp; guard stands before rest's endpoints; codec, json_reader, json_data and
encoding are what bodies are made of; server and operations are the operations port, which cannot infer or change."""
