"""Instruments of tests: faults and the journal."""
