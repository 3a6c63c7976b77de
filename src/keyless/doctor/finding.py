"""A check's finding: one small fact, whether it is well, and where it is not: why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from keyless.errors import KeylessError

Status = Literal["ok", "warn", "fail", "skipped"]
Stage = Literal["environment", "identity", "network", "vault", "secret"]
STAGES: Final[tuple[Stage, ...]] = ("environment", "identity", "network", "vault", "secret")
ERRORS_PAGE: Final = "https://github.com/keyless-azure/keyless/blob/main/docs/errors.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The finding of one check.

    Attributes:
        stage: The stage that the check belongs to.
        check: The check's name, which does not change.
        status: ``ok``; ``warn`` for what will hurt some day or some programs; ``fail`` for what stops this read;
            ``skipped`` for what could not be looked at.
        evidence: What was seen. Never a value, never a token.
        code: The stable code, with a section in docs/errors.md; empty where all is well.
        cause: Why it is so; empty where all is well.
        remedy: What to do; empty where all is well.
    """

    stage: Stage
    check: str
    status: Status
    evidence: str
    code: str = ""
    cause: str = ""
    remedy: str = ""

    @property
    def link(self) -> str:
        """The section of docs/errors.md on this; empty where all is well."""
        return f"{ERRORS_PAGE}#{self.code.lower()}" if self.code else ""


def well(stage: Stage, check: str, evidence: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(stage=stage, check=check, status="ok", evidence=evidence)


def skipped(stage: Stage, check: str, why: str) -> Finding:
    """Return a finding that something was not looked at."""
    return Finding(stage=stage, check=check, status="skipped", evidence=why)


def failed(stage: Stage, check: str, error: KeylessError) -> Finding:
    """Return the finding that an error of the library is: the same code, cause and remedy."""
    return Finding(
        stage=stage,
        check=check,
        status="fail",
        evidence=error.what,
        code=error.kl_code,
        cause=error.cause,
        remedy=error.remedy,
    )
