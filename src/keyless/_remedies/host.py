"""The host of this process, as far as the platform's variables name it: remedies fill it into their commands.

Sources: https://learn.microsoft.com/en-us/azure/app-service/reference-app-settings#app-environment and
https://learn.microsoft.com/en-us/azure/container-apps/environment-variables#built-in-environment-variables
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# What Azure allows in the names of resources and groups. Nothing else may get into a command.
_NAME = r"[\w.()-]{1,90}"
GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# App Service sets one of them, whichever its plan. Core Tools on a laptop sets none.
_INSTANCES = ("WEBSITE_INSTANCE_ID", "WEBSITE_POD_NAME", "CONTAINER_NAME")
_FUNCTIONS = ("FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME")


class Kind(NamedTuple):
    """A kind of host that can have managed identities.

    Attributes:
        title: What the portal calls it.
        command: The group of ``az`` commands for it.
        resource_type: Its ARM type.
        system_option: What ``az ... identity assign`` needs for the system-assigned identity.
        user_option: The option of ``az ... identity assign`` for user-assigned identities.
    """

    title: str
    command: str
    resource_type: str
    system_option: str = ""
    user_option: str = "--identities"


FUNCTION_APP = Kind("Function App", "functionapp", "Microsoft.Web/sites")
WEB_APP = Kind("Web App", "webapp", "Microsoft.Web/sites")
CONTAINER_APP = Kind(
    "Container App", "containerapp", "Microsoft.App/containerApps", " --system-assigned", "--user-assigned"
)
VIRTUAL_MACHINE = Kind("Virtual machine", "vm", "Microsoft.Compute/virtualMachines")
SCALE_SET = Kind("Virtual machine scale set", "vmss", "Microsoft.Compute/virtualMachineScaleSets")


class Host(NamedTuple):
    """One host.

    Attributes:
        kind: What it is.
        name: Its name.
        group: Its resource group; None where nothing names it.
        slot: The deployment slot of an app; None for the one in production.
        subscription: Its subscription's id; None where nothing names it.
    """

    kind: Kind
    name: str
    group: str | None = None
    slot: str | None = None
    subscription: str | None = None

    @property
    def options(self) -> str:
        """The options by which ``az`` finds it; a group that is not known, the command finds out itself."""
        # Names with parentheses are allowed, and a shell would read them.
        group = f'"{self.group}"' if self.group and "(" in self.group else self.group
        slot = f" --slot {self.slot}" if self.slot else ""
        subscription = f" --subscription {self.subscription}" if self.subscription else ""
        found = group or (
            f'"$(az resource list --name {self.name} --resource-type {self.kind.resource_type}{subscription} '
            '--query "[0].resourceGroup" --output tsv)"'
        )
        return f"--name {self.name} --resource-group {found}{slot}{subscription}"


def host_of(environment: Mapping[str, str]) -> Host | None:
    """Return what a process with these variables runs on; None where they do not say: on a laptop, a virtual machine."""
    site, container = _named(environment, "WEBSITE_SITE_NAME"), _named(environment, "CONTAINER_APP_NAME")
    if site and any(environment.get(name) for name in _INSTANCES):
        slot = _named(environment, "WEBSITE_SLOT_NAME")
        owner = environment.get("WEBSITE_OWNER_NAME", "").partition("+")[0]
        return Host(
            kind=FUNCTION_APP if any(environment.get(name) for name in _FUNCTIONS) else WEB_APP,
            name=site,
            group=_named(environment, "WEBSITE_RESOURCE_GROUP"),
            slot=None if slot is None or slot.lower() == "production" else slot,
            subscription=owner if re.fullmatch(GUID, owner) else None,
        )
    if container:
        return Host(kind=CONTAINER_APP, name=container)
    return None


def machine_of(compute: Mapping[str, object]) -> Host | None:
    """Return the virtual machine or the scale set that a machine's metadata service describes.

    Args:
        compute: What it answers at ``/metadata/instance/compute``:
            https://learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service
    """
    told = {name: value for name, value in compute.items() if isinstance(value, str)}
    scale_set = _named(told, "vmScaleSetName")
    name, subscription = scale_set or _named(told, "name"), told.get("subscriptionId", "")
    if name is None:
        return None
    return Host(
        kind=SCALE_SET if scale_set else VIRTUAL_MACHINE,
        name=name,
        group=_named(told, "resourceGroupName"),
        subscription=subscription if re.fullmatch(GUID, subscription) else None,
    )


def _named(environment: Mapping[str, str], variable: str) -> str | None:
    value = environment.get(variable, "")
    return value if re.fullmatch(_NAME, value) else None
