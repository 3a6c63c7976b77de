"""What tests turn and read: faults and the journal."""
