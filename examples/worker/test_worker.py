"""Tests of the worker against the local Azure."""

from worker import URL, WrongPassword, work

from keyless import SecretReader


class Queue:
    """A queue that takes one password."""

    def __init__(self, password):
        self.password = password

    def connect(self, password):
        if password != self.password:
            raise WrongPassword
        return iter(["message"])


def test_a_rotated_password_needs_no_restart(local_azure):
    vault, queue = local_azure.vault("contoso-kv"), Queue("old")
    vault.set_secret("db-password", "old")
    with SecretReader(URL) as reader:
        assert list(work(reader, queue.connect)) == ["message"]
        queue.password = "new"
        vault.set_secret("db-password", "new")
        assert list(work(reader, queue.connect)) == ["message"]
    local_azure.journal.assert_read("db-password", by="system", times=2)


def test_an_outage_of_the_vault_does_not_stop_the_worker(local_azure):
    with SecretReader(URL) as reader:
        queue = Queue("local-db-password")
        assert list(work(reader, queue.connect)) == ["message"]
        local_azure.faults.add_named("vault-outage")
        local_azure.clock.advance(minutes=10)
        assert list(work(reader, queue.connect)) == ["message"]
