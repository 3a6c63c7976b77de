"""The keys of a vault: material, algorithms, facts, rotation and release."""
