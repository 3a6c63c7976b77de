"""Remedies for a network between a program and its vault."""

from __future__ import annotations

from keyless._remedies.remedies import LIST_VAULTS


def open_firewall(vault: str, *, address: str | None) -> str:
    """Return how to let an address through a vault's firewall."""
    words = "" if address else " ADDRESS is the public address of the application."
    return (
        "Give the application a way to the vault through its virtual network, or allow the address: "
        f"`az keyvault network-rule add --name {vault} --ip-address {address or 'ADDRESS'}`.{words} "
        f"Portal: Key vault {vault} > Settings > Networking > Firewalls and virtual networks."
    )


def use_private_endpoint(vault: str, suffix: str) -> str:
    """Return how to reach a vault that is closed to the public network."""
    return (
        "Connect the application to the virtual network of the private endpoint, which is: "
        f'`az keyvault show --name {vault} --query "properties.privateEndpointConnections[].privateEndpoint.id" --output tsv`. '
        f"Then link its private DNS zone there: {link_zone(suffix)} "
        f"Portal: Key vault {vault} > Settings > Networking > Private endpoint connections."
    )


def link_zone(suffix: str) -> str:
    """Return how to link the private DNS zone of vaults, whose hosts end with that suffix, to a virtual network."""
    zone, options = _zone(suffix)
    return (
        f"`az network private-dns link vnet create {options} --name key-vaults --virtual-network VNET --registration-enabled "
        "false`. VNET is the id of the network that this runs in, one of: "
        '`az network vnet list --query "[].id" --output tsv`. '
        f"Portal: Private DNS zones > {zone} > DNS Management > Virtual Network Links > Add."
    )


def find_vault(suffix: str) -> str:
    """Return how to find out why a vault's name does not resolve: there is none, or private DNS has no record of it."""
    zone, options = _zone(suffix)
    return (
        f"Compare the vault's name with those of yours: {LIST_VAULTS}. If it is not there, it is misspelt, in another "
        "subscription, or deleted (Key vaults > Manage deleted vaults > Recover, then give the roles again: a recovered vault "
        "has lost them). If it is there, it has a private endpoint, and the private DNS "
        f"zone that this network sees has no record of it. The records:  `az network private-dns record-set a list {options} "
        '--query "[].name" --output tsv`. '
        f"Portal: Private endpoints > the vault's > DNS configuration > Add configuration > {zone}."
    )


def _zone(suffix: str) -> tuple[str, str]:
    """Return the private DNS zone of a cloud's vaults, and the options by which ``az`` finds it."""
    # https://learn.microsoft.com/en-us/azure/private-link/private-endpoint-dns
    zone = f"privatelink.{suffix.replace('vault.', 'vaultcore.', 1)}"
    group = f'"$(az network private-dns zone list --query "[?name==\'{zone}\'].resourceGroup | [0]" --output tsv)"'
    return zone, f"--zone-name {zone} --resource-group {group}"


def join_perimeter() -> str:
    """Return how to let a program in through the perimeter around a vault."""
    return (
        "Allow the subscription that it runs in: `az network perimeter profile access-rule create --name keyless "
        "--direction Inbound --perimeter-name PERIMETER --profile-name PROFILE --resource-group PERIMETER_GROUP --subscriptions "
        '"[{id:/subscriptions/SUBSCRIPTION}]"`. SUBSCRIPTION is its id; PERIMETER and PERIMETER_GROUP are one of: '
        '`az network perimeter list --query "[].[name, resourceGroup]" --output table`. PROFILE is the one that the vault is '
        "associated with. A private endpoint gets in without a rule. No role and no access policy changes this. "
        "Portal: Network security perimeters > the perimeter > Settings > Profiles > the profile > Inbound access rules > Add."
    )


def look_at_network(vault: str) -> str:
    """Return where a vault's network settings are."""
    return (
        f'See whom the vault lets in: `az keyvault show --name {vault} --query "properties.[publicNetworkAccess, networkAcls]"`. '
        f"Portal: Key vault {vault} > Settings > Networking."
    )
