"""What joins the reader to other libraries: credentials of the Azure SDK, OpenTelemetry, pydantic-settings."""
