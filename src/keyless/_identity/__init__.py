"""A token of a managed identity: asked of MSAL once, and every failure as one error."""
