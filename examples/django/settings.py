"""Settings of a Django project: the secret key comes from Key Vault, once, at the start."""

import os

from keyless import SecretReader

SECRETS = SecretReader(os.environ.get("KEY_VAULT_URL", "https://contoso-kv.vault.azure.net"))
SECRET_KEY = SECRETS.get("django-secret-key").value
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["localhost", "testserver"]
