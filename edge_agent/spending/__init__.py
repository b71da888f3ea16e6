"""What answering takes out of the battery, the purse and the data plan, and the budgets that it is held against."""

from edge_agent.spending.ledger import Ledger
from edge_agent.spending.waker import Waker

__all__ = ["Ledger", "Waker"]
