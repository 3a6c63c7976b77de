"""Errors of a template, in the words of Azure where they are known."""

from __future__ import annotations


class TemplateError(Exception):
    """A template that cannot be deployed.

    Attributes:
        message: What is wrong. It holds no value of a secure parameter.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def not_valid(problem: str) -> TemplateError:
    """Return the error for a template whose form is wrong."""
    return TemplateError(f"Deployment template validation failed: '{problem}'.")


def cannot_evaluate(name: str, problem: str) -> TemplateError:
    """Return the error for a call that has no value."""
    return TemplateError(f"Unable to evaluate template language function '{name}': {problem}")
