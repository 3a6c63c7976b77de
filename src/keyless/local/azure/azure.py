"""The whole local Azure without its wire: identities, vaults, role assignments, tokens, clock and journal."""

from __future__ import annotations

import secrets
import threading
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyless.local.azure.authorization.resource_scope import ResourceScope, vault_path
from keyless.local.azure.authorization.role_assignments import RoleAssignments
from keyless.local.azure.authorization.roles import AnyScope, Decision, Scope
from keyless.local.azure.config.config import Config, default_config
from keyless.local.azure.config.declaration import NewIdentity
from keyless.local.azure.config.declared import read_declared
from keyless.local.azure.config.enrolment import enrol
from keyless.local.azure.config.identity_config import IdentityConfig, no_identity
from keyless.local.azure.config.seeding import seed_vault
from keyless.local.azure.event_grid import EventGrid
from keyless.local.azure.function_app import FunctionApp
from keyless.local.azure.identities.directory import Directory
from keyless.local.azure.identities.managed_identity import Identity, derived_guid, refuse_same_ids
from keyless.local.azure.identities.signing_key import SigningKey, new_key
from keyless.local.azure.identities.tokens import Tokens
from keyless.local.azure.keyvault.access import decide
from keyless.local.azure.keyvault.lifetimes import Lifetimes
from keyless.local.azure.keyvault.objects.store import ObjectStore
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.azure.keyvault.vault import Vault
from keyless.local.azure.keyvault.vaults import Vaults
from keyless.local.azure.names import missing
from keyless.local.azure.storage.beginning import Beginning
from keyless.local.azure.storage.database import Database
from keyless.local.azure.storage.documents import Documents
from keyless.local.clock import Clock
from keyless.local.instruments.faults import Faults
from keyless.local.instruments.journal import Journal
from keyless.local.sources import LIFETIMES
from keyless.secret_id import check_secret_name, check_vault_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.authorization.conditions.expressions import Facts
    from keyless.local.azure.authorization.roles import HasScope
    from keyless.local.azure.config.vault_config import VaultConfig
    from keyless.local.operations import Operation

__all__ = ["Azure", "Identity", "Vault"]


class Azure:
    """The local Azure. Safe to use from any thread.

    Attributes:
        clock: Its time.
        journal: What was asked of it.
        faults: What goes wrong in it, on purpose.
        event_grid: Its vaults' events about new versions of secrets.
        role_assignments: Who has which role where.
        tokens: The tokens of its identities.
        directory: The applications and groups of the tenant.
        tenant_id: The tenant of its identities.
        token_lifetimes: The seconds for which a new token is good, by the source of managed identities that gives it.
        objects: What the vaults hold.
        documents: What the management plane received.
        function_app: The function app.
        lifetimes: Does what falls due as time passes.
        subscription_id: The subscription that everything is in.
        resource_group: The resource group that everything is in.
        region: The region that everything is in.
    """

    subscription_id = derived_guid("subscription")
    resource_group = "keyless"
    region = "westus2"

    def __init__(
        self, config: Config | None = None, *, database: Database | None = None, clock: Clock | None = None
    ) -> None:
        config = default_config() if config is None else config
        self.clock = clock or Clock()
        self.journal = Journal()
        self.faults = Faults()
        self.event_grid = EventGrid(clock=self.clock, journal=self.journal)
        self._database = database or Database()
        self.objects = ObjectStore(self._database)
        self.documents = Documents(self._database)
        self._beginning = Beginning(self._database)
        self.function_app = FunctionApp(config.functions.settings)
        signing = SigningKey(partial(self._database.key, "tokens", new_key))
        self.tokens = Tokens(tenant_id=config.tenant_id, clock=self.clock, signing=signing)
        self._lock = threading.RLock()
        self.lifetimes = Lifetimes(self.objects, clock=self.clock, vaults=lambda: self.vaults)
        self._arrange(config)
        self.clock.on_advance(self.lifetimes.act)

    def reset(self, config: Config | None = None) -> None:
        """Begin again with a configuration: whatever was set, granted, moved, broken or noted since is gone.

        Who signs the tokens stays, so that a client may keep the one it has. Vaults and identities are other objects from
        then on.

        Args:
            config: What exists then; None means the example that comes with Keyless.
        """
        config = default_config() if config is None else config
        with self._lock:
            self.clock.reset()
            self.lifetimes.restart()
            seeds = list(config.vaults.values())
            there = self._beginning.bring_back(seeds, now=self.clock.now())
            if not there:
                self.objects.clear()
            self.documents.clear()
            self.tokens.reset(tenant_id=config.tenant_id)
            self._arrange(config, seeded=there)
            if not there:
                self._beginning.remember(seeds, now=self.clock.now())
            self.faults.clear()
            self.journal.clear()

    def shared_secret(self, name: str) -> str:
        """Return what clients show to the endpoint or proxy of that name; it is kept as the secrets are."""
        return self._database.key(name, lambda: secrets.token_hex(16).upper().encode()).decode()

    def _arrange(self, config: Config, *, seeded: bool = False) -> None:
        self.tenant_id = config.tenant_id
        self.token_lifetimes = {**LIFETIMES, **config.token_lifetimes}
        self._vaults = Vaults(self.clock, self.objects)
        self._identities: dict[str, Identity] = {}
        self.function_app.reset(config.functions.settings)
        self.directory = Directory(lambda: self._identities)
        self.role_assignments = RoleAssignments(
            self.clock, make_id=derived_guid, custom_roles=config.roles, groups_of=self.directory.groups_of
        )
        for wanted in config.vaults.values():
            if seeded:  # The same configuration has been checked before.
                self._vaults.add(self._vault_of(wanted.name, wanted.settings))
            else:
                self.seed(wanted)
        for identity in config.identities.values():
            self._enrol(identity)
        enrol(self.directory, config, role_assignments=self.role_assignments, scope=self.any_scope)
        for found in config.vaults.values():
            for name, permissions in found.policies.items():
                self.vault(found.name).set_policy(self.identity(name), permissions)
            if found.policies:
                vault = self.vault(found.name)
                # Policies of a vault that goes by roles wait for their day.
                vault.settings = replace(vault.settings, access=found.settings.access)
        self.role_assignments.propagation_seconds = config.role_propagation_seconds

    def seed(self, config: VaultConfig) -> None:
        """Make a vault with its settings, and those of its secrets, keys and certificates that the store does not have."""
        seed_vault(self.add_vault(config.name, config.settings), config)

    def _enrol(self, config: IdentityConfig) -> Identity:
        identity = Identity(
            config.name,
            kind=config.kind,
            client_id=config.client_id,
            object_id=config.object_id,
            resource_id=config.resource_id,
            assigned=config.assigned,
            group_id=self.group_id,
            role_assignments=self.role_assignments,
            scope=self.any_scope,
        )
        with self._lock:
            for other in self._identities.values():
                refuse_same_ids(identity, other)
            self._identities = {**self._identities, identity.name: identity}
        for found in config.roles:
            scope = self.any_scope(str(found.scope))
            self.role_assignments.grant(identity.object_id, found.role, scope, condition=found.condition, at_once=True)
        return identity

    @property
    def group_id(self) -> str:
        """The ARM id of the resource group that everything is in."""
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"

    @property
    def vaults(self) -> Mapping[str, Vault]:
        """The vaults by name."""
        return self._vaults.live

    @property
    def vault_register(self) -> Vaults:
        """The vaults with those that were deleted, and can be recovered."""
        return self._vaults

    @property
    def identities(self) -> Mapping[str, Identity]:
        """The identities by name, assigned or not."""
        return MappingProxyType(self._identities)

    def vault(self, name: str) -> Vault:
        """Return a vault by its name, in any case.

        Raises:
            LocalAzureError: If there is none; the error lists those that exist.
        """
        return self._vaults.get(name)

    def vault_at(self, host: str) -> Vault | None:
        """Return the vault that a Host header names, with or without a port; None where there is none."""
        return self._vaults.at(host)

    def identity(self, name: str) -> Identity:
        """Return an identity by its name.

        Raises:
            LocalAzureError: If there is none; the error lists those that exist.
        """
        if name not in self._identities:
            raise missing("identity", name, self._identities)
        return self._identities[name]

    def identity_of(self, object_id: str) -> Identity | None:
        """Return the identity with an object id; None where there is none."""
        return next((found for found in self._identities.values() if found.object_id == object_id), None)

    def add_vault(
        self,
        name: str,
        settings: VaultSettings | None = None,
        *,
        group_id: str | None = None,
        region: str | None = None,
    ) -> Vault:
        """Make a vault.

        Args:
            name: Its name.
            settings: Its settings; those that a new vault has in Azure unless given.
            group_id: The ARM id of its resource group; None means that of everything else.
            region: Where it is; None means where everything else is.

        Raises:
            ConfigurationError: If no vault can have that name or those settings.
            LocalAzureError: If there is a vault of that name already.
        """
        vault = self._vault_of(name, settings or VaultSettings(), group_id=group_id, region=region)
        check_vault_url(vault.url)
        self._vaults.add(vault)
        return vault

    def _vault_of(
        self, name: str, settings: VaultSettings, *, group_id: str | None = None, region: str | None = None
    ) -> Vault:
        return Vault(
            name,
            settings=settings,
            tenant_id=self.tenant_id,
            group_id=group_id or self.group_id,
            region=region or self.region,
            store=self.objects,
            database=self._database,
            clock=self.clock,
            announce=self.event_grid.announce,
        )

    def add_identity(
        self,
        name: str,
        *,
        client_id: str | None = None,
        object_id: str | None = None,
        resource_id: str | None = None,
        assigned: bool = True,
    ) -> Identity:
        """Make a managed identity: the host's system-assigned one if it is named ``system``, else a user-assigned one.

        Ids that are not given are derived from the name.

        Raises:
            ConfigurationError: If the name or an id is none that a keyless.toml could give.
            LocalAzureError: If there is an identity of that name, or with one of these ids, already.
        """
        given = {
            "name": name,
            "client_id": client_id,
            "object_id": object_id,
            "resource_id": resource_id,
            "assigned": assigned,
        }
        asked = read_declared(NewIdentity, given, wrong=no_identity)
        return self._enrol(IdentityConfig(**{field: getattr(asked, field) for field in given}))

    def remove_identity(self, name: str) -> None:
        """Have an identity no more; its role assignments stay, as in Azure.

        Raises:
            LocalAzureError: If there is none; the error lists those that exist.
        """
        with self._lock:
            gone = self.identity(name)
            self._identities = {key: found for key, found in self._identities.items() if found is not gone}

    def scope(self, on: HasScope | str) -> Scope:
        """Return the scope that a vault, its name, or ``VAULT/SECRET`` or ``VAULT/keys/KEY`` means.

        Raises:
            ConfigurationError: If nothing in a vault can have that name.
            LocalAzureError: If there is no such vault.
        """
        scope = Scope.parse(on) if isinstance(on, str) else on.scope
        within = self.vault(scope.vault).group_id.lower()
        if scope.name is not None:
            check_secret_name(scope.name)
        return replace(scope, within=within)

    def any_scope(self, on: HasScope | str) -> AnyScope:
        """Return the same, or the scope that an ARM id means: ``/`` is above every subscription."""
        if not isinstance(on, str) or not on.startswith("/"):
            return self.scope(on)
        in_vault = vault_path(on)
        return self.scope(in_vault) if in_vault else ResourceScope(on.lower().rstrip("/"))

    def decide(self, *, object_id: str, operation: Operation, vault: Vault, scope: Scope, facts: Facts) -> Decision:
        """Decide whether the bearer of an object id may do something with a vault or an object in it.

        Args:
            object_id: The object id of the identity that asks.
            operation: What it is; its permission counts where the vault goes by access policies.
            vault: The vault.
            scope: The vault, or the object in it that the action is about.
            facts: The data action and what conditions can ask, which count where the vault goes by roles.
        """
        return decide(
            vault,
            object_id=object_id,
            operation=operation,
            scope=scope,
            facts=facts,
            directory=self.directory,
            role_assignments=self.role_assignments,
        )

    def close(self) -> None:
        """Close the database."""
        self.tokens.close()
        self._database.close()
