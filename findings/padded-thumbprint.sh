#!/usr/bin/env bash
# MSAL ends a certificate's thumbprint with "=" in the header of a client assertion, where RFC 7515 has no padding.
#
# "x5t" (RFC 7515, section 4.1.7) is base64url, which by section 2 has no "=" at the end. Seen with msal 1.39.0 on Python 3.11: both "x5t",
# of 20 bytes, and "x5t#S256", of 32 bytes, end in one. jwcrypto 1.5.6 makes the text without. Who looks a certificate up by that text, as a
# server that takes client assertions does, must take off the padding first. "exp" and "iat" have a fraction of a second, which the RFC allows.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check msal==1.39.0 jwcrypto==1.5.6
"$folder/venv/bin/python" - <<'PYTHON'
import json
from importlib.metadata import version

from cryptography.hazmat.primitives.asymmetric import rsa
from jwcrypto.common import base64url_decode, base64url_encode
from msal.oauth2cli.assertion import JwtAssertionCreator

thumbprints = {"x5t": "01" * 20, "x5t#S256": "02" * 32}
creator = JwtAssertionCreator(
    rsa.generate_private_key(65537, 2048), "RS256", sha1_thumbprint=thumbprints["x5t"], sha256_thumbprint=thumbprints["x5t#S256"]
)
made = creator.create_normal_assertion("made-up-audience", "made-up-issuer")
header, claims = (json.loads(base64url_decode(part)) for part in (made if isinstance(made, str) else made.decode()).split(".")[:2])
print({name: version(name) for name in ("msal", "jwcrypto")})
for name, thumbprint in thumbprints.items():
    by_the_rfc = base64url_encode(bytes.fromhex(thumbprint))
    print(f"{name}: msal {header[name]}, by RFC 7515 {by_the_rfc}")
    assert header[name] == by_the_rfc + "="
print("exp", claims["exp"])
assert isinstance(claims["exp"], float)
PYTHON
