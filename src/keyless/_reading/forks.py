"""A reader's behaviour at a fork: no thread is doing what a child would wait for, and the child begins from nothing."""

from __future__ import annotations

# Loaded before a refresher's hooks are registered, so that its own hook holds its lock only after theirs: hooks run
# backwards, and a thread that loads MSAL, and that a fork waits for, asks for that lock.
import logging  # noqa: F401
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless._reading.refresher import Refresher


def guard_forks(refresher: Refresher) -> None:
    """See to it that a fork finds a refresher ready, for as long as there is one."""
    if not hasattr(os, "register_at_fork"):
        return
    reference = weakref.ref(refresher)

    def shut() -> None:
        found = reference()
        if found is not None:
            found.gate.shut()

    def open_again() -> None:
        found = reference()
        if found is not None:
            found.gate.open()

    def begin() -> None:
        # Before any thread of the child can wait for a thread that only its parent has.
        found = reference()
        if found is not None:
            found.begin_process()

    os.register_at_fork(before=shut, after_in_parent=open_again, after_in_child=begin)
