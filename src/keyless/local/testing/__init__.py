"""Actions and results of tests."""
