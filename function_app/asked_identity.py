"""The managed identity that a request asks to read as."""

from urllib.parse import parse_qsl

import keyless

IDS = {
    "userAssignedClientId": "client_id",
    "userAssignedResourceId": "resource_id",
    "userAssignedObjectId": "object_id",
}
# Names of query parameters have no case in Azure Functions.
KINDS = {name.lower(): kind for name, kind in IDS.items()}
IN_A_BODY = tuple(name.encode() for name in KINDS)


def asked_identity(url: str, body: bytes) -> dict[str, str]:
    """Return the one id that the query names, as MSAL's keyword argument; without one, nothing.

    What is misspelt, forgotten or sent elsewhere must not read as another identity, so nothing else is let through.
    """
    # The host drops parameters without a value, so they are read from the URL.
    text = url.partition("?")[2]
    if not body and (not text or (text.startswith("code=") and "&" not in text)):
        return {}  # Most calls name no identity, and have their key alone.
    query = parse_qsl(text, keep_blank_values=True)
    asked = [(name.lower(), value.strip()) for name, value in query if name.lower() != "code"]
    wrong = [name for name, value in asked if name not in KINDS or not value]
    if wrong or len(asked) > 1 or (body and any(name in body.lower() for name in IN_A_BODY)):
        raise keyless.ConfigurationError(
            f"The query has {wrong[0][:50]!r}, which is not an id with a value."
            if wrong
            else "The request has more than one id, or one in its body.",
            cause=f"At most one of {', '.join(IDS)}, in the query, names the identity that reads.",
            remedy="Give one id with its value, or none for the system-assigned identity.",
        )
    return {KINDS[name]: value for name, value in asked}
