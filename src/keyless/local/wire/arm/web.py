"""Answers about function apps: the one that runs, with its identities, settings and keys, and those that are only kept."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.azure.management import kept_sites, sites
from keyless.local.azure.management.refusals import ArmError, bad_request
from keyless.local.wire.arm.call import ArmAnswer, ArmCall, deleted, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROFILES: Final = (
    '<publishData><publishProfile profileName="{name} - Zip Deploy" publishMethod="ZipDeploy" publishUrl="{host}" '
    'userName="REDACTED" userPWD="REDACTED" destinationAppUrl="https://{host}" />'
    '<publishProfile profileName="{name} - FTP" publishMethod="FTP" publishUrl="ftps://{host}/site/wwwroot" '
    'userName="REDACTED" userPWD="REDACTED" destinationAppUrl="https://{host}" /></publishData>'
)


def _is_other(call: ArmCall) -> bool:
    """Return whether the path is of a site beside the one that runs; the one is then there."""
    if kept_sites.is_other(call.azure, call.group, call.name):
        return True
    sites.expect_site(call.azure, call.group, call.name)
    return False


def _list(call: ArmCall) -> ArmAnswer:
    group = call.named.get("group")
    return listed([*sites.list_sites(call.azure, group), *kept_sites.list_sites(call.azure, group)])


def _get(call: ArmCall) -> ArmAnswer:
    if _is_other(call):
        return ArmAnswer(200, kept_sites.get_site(call.azure, call.group, call.name))
    return ArmAnswer(200, sites.shown(call.azure))


def _put(call: ArmCall) -> ArmAnswer:
    return _changed(call, merging=False)


def _update(call: ArmCall) -> ArmAnswer:
    return _changed(call, merging=True)


def _changed(call: ArmCall, *, merging: bool) -> ArmAnswer:
    by = call.claims.object_id
    act = kept_sites.put_site if _is_other(call) else sites.put_site
    return ArmAnswer(200, act(call.azure, call.group, call.name, call.body(), by=by, merging=merging))


def _delete(call: ArmCall) -> ArmAnswer:
    if _is_other(call):
        return deleted(kept_sites.delete_site(call.azure, call.group, call.name))
    raise ArmError(405, "MethodNotAllowed", "The local Azure does not delete the function app that runs.")


def _restart(call: ArmCall) -> ArmAnswer:
    if _is_other(call):
        kept_sites.get_site(call.azure, call.group, call.name)
    else:
        call.azure.function_app.restart()
    return ArmAnswer(200)


def _get_config(call: ArmCall) -> ArmAnswer:
    if _is_other(call):
        return ArmAnswer(200, sites.config_shown(call.azure, _other_id(call)))
    return ArmAnswer(200, sites.config_shown(call.azure, sites.site_id(call.azure)))


def _other_id(call: ArmCall) -> str:
    found: str = kept_sites.get_site(call.azure, call.group, call.name)["id"]
    return found


def _list_settings(call: ArmCall) -> ArmAnswer:
    if _is_other(call):
        return ArmAnswer(200, kept_sites.settings_shown(call.azure, call.group, call.name))
    return ArmAnswer(200, sites.settings_shown(call.azure))


def _put_settings(call: ArmCall) -> ArmAnswer:
    if _is_other(call):
        return ArmAnswer(200, kept_sites.put_settings(call.azure, call.group, call.name, call.body()))
    return ArmAnswer(200, sites.put_settings(call.azure, call.body()))


def _get_slot_names(call: ArmCall) -> ArmAnswer:
    site = _other_id(call) if _is_other(call) else sites.site_id(call.azure)
    here = f"{site}/config/slotConfigNames"
    return ArmAnswer(200, {"id": here, "name": "slotConfigNames", "type": f"{sites.TYPE}/config", "properties": {}})


def _list_keys(call: ArmCall) -> ArmAnswer:
    if _is_other(call):
        raise bad_request(f"The function app {_other_id(call)} is not served, so that it has no keys.")
    return ArmAnswer(200, sites.keys_shown(call.azure))


def _list_profiles(call: ArmCall) -> ArmAnswer:
    """Return how the app could be published, without a password: it takes none."""
    site = _other_id(call) if _is_other(call) else sites.site_id(call.azure)
    name = site.rpartition("/")[2]
    return ArmAnswer(200, _PROFILES.format(name=name, host=f"{name}.scm.azurewebsites.net"))


HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType(
    {
        "listSites": _list,
        "getSite": _get,
        "putSite": _put,
        "updateSite": _update,
        "deleteSite": _delete,
        "restartSite": _restart,
        "getSiteConfig": _get_config,
        "listAppSettings": _list_settings,
        "putAppSettings": _put_settings,
        "getSlotNames": _get_slot_names,
        "listHostKeys": _list_keys,
        "listPublishingProfiles": _list_profiles,
    }
)
