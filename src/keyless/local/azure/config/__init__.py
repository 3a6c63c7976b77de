"""keyless.toml: what there is at the start."""
