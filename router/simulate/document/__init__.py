"""Scenario documents, and those of devices, radios and servers, as their authors write them: every field, its range,
its default and the reason for the default.

Only form is checked here; scenario.py, one room up, builds a world from them. whole.py is the scenario; beside it is
one file for each group of tables, series.py has what changes over time, catalogue.py what ships with the project and
can be written by anyone, and schema.py tells all of it to editors."""

from router.simulate.document.catalogue import DeviceDocument, RadioDocument, ServerDocument
from router.simulate.document.faults import FaultPart
from router.simulate.document.links import ConnectionPart, LinkPart, WakePart
from router.simulate.document.models import AnswersPart, ModelPart
from router.simulate.document.places import DevicePart, TargetPart
from router.simulate.document.series import CapacityPart, SeriesPart
from router.simulate.document.whole import ScenarioDocument
from router.simulate.document.workload import ArrivalsPart, BurstsPart, StreamPart

__all__ = [
    "AnswersPart",
    "ArrivalsPart",
    "BurstsPart",
    "CapacityPart",
    "ConnectionPart",
    "DeviceDocument",
    "DevicePart",
    "FaultPart",
    "LinkPart",
    "ModelPart",
    "RadioDocument",
    "ScenarioDocument",
    "SeriesPart",
    "ServerDocument",
    "StreamPart",
    "TargetPart",
    "WakePart",
]
