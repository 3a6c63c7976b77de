"""The doctor: it finds why a secret cannot be read here, and what to do."""

from keyless.doctor.diagnosis import diagnose, remedy_for_setting
from keyless.doctor.finding import Finding
from keyless.doctor.report import Report

__all__ = ["Finding", "Report", "diagnose", "remedy_for_setting"]
