"""From what an app asks to a decided call: checked, weighed, and decided at the desk of its model and label."""
