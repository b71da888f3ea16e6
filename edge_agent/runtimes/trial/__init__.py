"""A device's model is tried before it is trusted: on golden examples, on each provider that it may run on, bounded.

golden.py reads and compares the examples; canary.py tries one model on one choice of providers; child.py does so in a
process of its own, which is __main__.py; book.py remembers verdicts, machine.py tells for which machine. admission.py
puts it all together for whoever loads a release. Nothing here is asked while requests run."""

from edge_agent.runtimes.trial.admission import Admitted, Trials
from edge_agent.runtimes.trial.verdict import Outcome, Verdict

__all__ = ["Admitted", "Outcome", "Trials", "Verdict"]
