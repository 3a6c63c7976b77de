"""Answers about the function app: its identities, its settings, its keys."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.azure.management import sites
from keyless.local.wire.arm.call import ArmAnswer, ArmCall, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROFILES: Final = (
    '<publishData><publishProfile profileName="{name} - Zip Deploy" publishMethod="ZipDeploy" publishUrl="{host}" '
    'userName="REDACTED" userPWD="REDACTED" destinationAppUrl="https://{host}" />'
    '<publishProfile profileName="{name} - FTP" publishMethod="FTP" publishUrl="ftps://{host}/site/wwwroot" '
    'userName="REDACTED" userPWD="REDACTED" destinationAppUrl="https://{host}" /></publishData>'
)


def _list(call: ArmCall) -> ArmAnswer:
    return listed(sites.list_sites(call.azure, call.named.get("group")))


def _get(call: ArmCall) -> ArmAnswer:
    sites.expect_site(call.azure, call.group, call.name)
    return ArmAnswer(200, sites.shown(call.azure))


def _put(call: ArmCall) -> ArmAnswer:
    return _changed(call, merging=False)


def _update(call: ArmCall) -> ArmAnswer:
    return _changed(call, merging=True)


def _changed(call: ArmCall, *, merging: bool) -> ArmAnswer:
    by = call.claims.object_id
    return ArmAnswer(200, sites.put_site(call.azure, call.group, call.name, call.body(), by=by, merging=merging))


def _restart(call: ArmCall) -> ArmAnswer:
    sites.expect_site(call.azure, call.group, call.name)
    call.azure.function_app.restart()
    return ArmAnswer(200)


def _get_config(call: ArmCall) -> ArmAnswer:
    sites.expect_site(call.azure, call.group, call.name)
    return ArmAnswer(200, sites.config_shown(call.azure))


def _list_settings(call: ArmCall) -> ArmAnswer:
    sites.expect_site(call.azure, call.group, call.name)
    return ArmAnswer(200, sites.settings_shown(call.azure))


def _put_settings(call: ArmCall) -> ArmAnswer:
    sites.expect_site(call.azure, call.group, call.name)
    return ArmAnswer(200, sites.put_settings(call.azure, call.body()))


def _get_slot_names(call: ArmCall) -> ArmAnswer:
    sites.expect_site(call.azure, call.group, call.name)
    here = f"{sites.site_id(call.azure)}/config/slotConfigNames"
    return ArmAnswer(200, {"id": here, "name": "slotConfigNames", "type": f"{sites.TYPE}/config", "properties": {}})


def _list_keys(call: ArmCall) -> ArmAnswer:
    sites.expect_site(call.azure, call.group, call.name)
    return ArmAnswer(200, sites.keys_shown(call.azure))


def _list_profiles(call: ArmCall) -> ArmAnswer:
    """Return how the app could be published, without a password: it takes none."""
    sites.expect_site(call.azure, call.group, call.name)
    name = sites.site_id(call.azure).rpartition("/")[2]
    return ArmAnswer(200, _PROFILES.format(name=name, host=f"{name}.scm.azurewebsites.net"))


HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType(
    {
        "listSites": _list,
        "getSite": _get,
        "putSite": _put,
        "updateSite": _update,
        "restartSite": _restart,
        "getSiteConfig": _get_config,
        "listAppSettings": _list_settings,
        "putAppSettings": _put_settings,
        "getSlotNames": _get_slot_names,
        "listHostKeys": _list_keys,
        "listPublishingProfiles": _list_profiles,
    }
)
