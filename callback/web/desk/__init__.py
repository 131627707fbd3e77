"""What the agent's desk shows beside its switch: the caller, the day, the telephone, and what is written down."""
