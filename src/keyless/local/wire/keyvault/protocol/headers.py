"""The headers that a vault puts on its answers, as recorded."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.azure.authorization.roles import RoleAssignment
    from keyless.local.wire.http.request import Request

# As recorded; what the numbers mean is not published.
_RBAC_CACHE = "ra_age=7;da_age=2695;rd_age=2695;brd_age=22272;ra_notif_age=65;dec_lev=1;"


def response_headers(request: Request, *, region: str) -> dict[str, str]:
    """Return the headers of every answer."""
    headers = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "x-ms-keyvault-region": region,
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-keyvault-service-version": "1.9.1720.1",
        "x-ms-keyvault-network-info": _network_info(request.remote or "127.0.0.1"),
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=31536000;includeSubDomains",
    }
    if client_request_id := request.headers.get("x-ms-client-request-id"):
        headers["x-ms-client-request-id"] = client_request_id
    return headers


def rbac_headers(assignment: RoleAssignment | None) -> dict[str, str]:
    """Return the headers that say how access was decided: on every answer that came after that decision."""
    headers = {} if assignment is None else {"x-ms-keyvault-rbac-assignment-id": assignment.id}
    return {**headers, "x-ms-keyvault-rbac-cache": _RBAC_CACHE}


def _network_info(address: str) -> str:
    if ":" in address:
        return f"conn_type=Ipv6;addr={address};act_addr_fam=InterNetworkV6;"
    return f"conn_type=Ipv4;addr={address};act_addr_fam=InterNetwork;"
