"""A development host for function apps."""
