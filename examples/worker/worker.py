"""A worker that handles messages. Its queue needs a password, which is rotated now and then."""

import os
import time
from collections.abc import Callable, Iterator

from keyless import Secret, SecretReader, retry_on_rejected

URL = os.environ.get("KEY_VAULT_URL", "https://contoso-kv.vault.azure.net")


class WrongPassword(Exception):
    """The queue rejects the password."""


def work(reader: SecretReader, connect: Callable[[str], Iterator[str]]) -> Iterator[str]:
    """Return the messages of one connection, made with the password of now."""

    def with_secret(secret: Secret) -> Iterator[str]:
        return connect(secret.value)

    # If the queue rejects the password, it is read again, and a newer version is tried once.
    return retry_on_rejected(reader, "db-password", with_secret, on=WrongPassword)


def main() -> None:
    """Work until the process is stopped."""
    with SecretReader(URL) as reader:
        while True:
            for message in work(reader, lambda password: iter([f"connected with {len(password)} characters"])):
                print(message, flush=True)
            time.sleep(5)


if __name__ == "__main__":
    main()
