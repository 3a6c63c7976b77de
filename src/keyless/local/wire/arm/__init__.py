"""Azure Resource Manager on the wire: ``management.azure.com``."""

from keyless.local.wire.arm.app import arm_app

__all__ = ["arm_app"]
