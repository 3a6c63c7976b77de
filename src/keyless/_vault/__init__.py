"""A secret of a vault: asked for once, and every answer as a Secret or one error."""
