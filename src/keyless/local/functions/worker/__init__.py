"""The process that loads and serves a function app."""
