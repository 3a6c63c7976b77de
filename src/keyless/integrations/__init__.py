"""Integrations of the reader with other libraries: credentials of the Azure SDK, OpenTelemetry, pydantic-settings."""
