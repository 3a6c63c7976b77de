#!/usr/bin/env bash
# cryptography cannot list the extensions of a certificate whose key usage is decipherOnly alone.
#
# Seen with cryptography 50.0.2 on Python 3.11: `certificate.extensions` raises ValueError, since decipherOnly goes with keyAgreement.
# RFC 5280 says only that the bit means nothing without keyAgreement. Key Vault issues such certificates when a policy asks for them:
# Microsoft's own tests of the Go client do. OpenSSL shows them. So a program that walks through all extensions fails on one.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=contoso.com -addext keyUsage=critical,decipherOnly \
  -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2>/dev/null
openssl x509 -in "$folder/certificate.pem" -noout -ext keyUsage
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cryptography==50.0.2
"$folder/venv/bin/python" - "$folder/certificate.pem" <<'PYTHON'
import sys
from pathlib import Path

import cryptography
from cryptography import x509

print("cryptography", cryptography.__version__)
certificate = x509.load_pem_x509_certificate(Path(sys.argv[1]).read_bytes())
print(certificate.subject.rfc4514_string(), certificate.not_valid_after_utc)
try:
    names = [extension.oid.dotted_string for extension in certificate.extensions]
except ValueError as error:
    print("ValueError:", error)
else:
    sys.exit(f"The extensions can be listed now: {names}")
PYTHON
