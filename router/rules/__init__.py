"""A policy as it is obeyed: compiled once from its document, with every fault in it told. Pure.

How a document is written is in router/document; what a policy leads to, in router/choosing."""
