"""The policy document as its author writes it: every field, its range, its default and the reason for the default.

Only form is checked here; what the document means is built in compile.py. Every field that stands here is read by a
decision, and a test changes each one alone to see that something changes. whole.py is the document; beside it stands
one file for each group of tables, form.py has what they are made of, and schema.py tells all of it to editors."""

from router.document.breaker import BreakerPart
from router.document.budgets import BudgetsPart, BytesBudgetPart, EnergyBudgetPart, MoneyBudgetPart
from router.document.choosing import ExplorationPart, HysteresisPart, RadioPart
from router.document.energy import EnergyPart, LinkPart
from router.document.estimates import EstimatesPart
from router.document.keeping import EscalationPart, PromisePart
from router.document.revert import RevertPart
from router.document.rules import RulePart
from router.document.schema import json_schema
from router.document.targets import TargetPart
from router.document.waiting import BackupPart, HedgePart, RetryPart, ThrottlePart
from router.document.whole import PolicyDocument
from router.document.worth import WorthPart

__all__ = [
    "BackupPart",
    "BreakerPart",
    "BudgetsPart",
    "BytesBudgetPart",
    "EnergyBudgetPart",
    "EnergyPart",
    "EscalationPart",
    "EstimatesPart",
    "ExplorationPart",
    "HedgePart",
    "HysteresisPart",
    "LinkPart",
    "MoneyBudgetPart",
    "PolicyDocument",
    "PromisePart",
    "RadioPart",
    "RetryPart",
    "RevertPart",
    "RulePart",
    "TargetPart",
    "ThrottlePart",
    "WorthPart",
    "json_schema",
]
