"""Everything that stops, changes or is at fault, as data: each with its date and its source. No parser is needed to load it."""

from keyless.audit.rules.api_versions import retirement
from keyless.audit.rules.clients import called_by
from keyless.audit.rules.packages import Fault, faults_of
from keyless.audit.rules.rule import CATALOG, Rule, rule

__all__ = ["CATALOG", "Fault", "Rule", "called_by", "faults_of", "retirement", "rule"]
