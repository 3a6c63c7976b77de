"""The operations of the services of a local Azure: one table for the wire, the roles, the journal and the faults."""

from keyless.local.operations.certificates import CERTIFICATE_OPERATIONS
from keyless.local.operations.keys import KEY_OPERATIONS
from keyless.local.operations.operation import Kind, Level, Operation
from keyless.local.operations.secrets import SECRET_OPERATIONS

__all__ = ["VAULT_OPERATIONS", "Kind", "Level", "Operation"]

# The first that fits a request counts.
VAULT_OPERATIONS: tuple[Operation, ...] = (*SECRET_OPERATIONS, *KEY_OPERATIONS, *CERTIFICATE_OPERATIONS)
