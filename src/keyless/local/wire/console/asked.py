"""One request to the console that was let in, and what answers it: a page, or words for the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import field

from keyless.errors import ConfigurationError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.console.counsel import Counsel, RunningDrill
    from keyless.local.wire.console.door import Session


class Asked(Record, frozen=True, kw_only=True):
    """A request.

    Attributes:
        azure: The local Azure that is shown and changed.
        session: The browser that asks.
        counsel: What rooms above know.
        path: The parts of the path that have a name.
        query: The query.
        later: Has something done after some seconds, unless the run ends before.
        drills: The drills that were begun from the page, the latest last.
        form: The fields of the form, which no representation shows.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"form"})

    azure: Azure
    session: Session
    counsel: Counsel
    path: Mapping[str, str]
    query: Mapping[str, str]
    later: Callable[[float, Callable[[], None]], None]
    drills: list[RunningDrill] = field(default_factory=list)
    form: Mapping[str, str] = field(default_factory=dict)

    def required(self, name: str) -> str:
        """Return a field of the form.

        Raises:
            ConfigurationError: If it is not there.
        """
        if not self.form.get(name):
            raise ConfigurationError(
                f"The field {name!r} is missing.", cause="The form was sent without it.", remedy="Fill it in."
            )
        return self.form[name]


class Page(Record, frozen=True):
    """The part that is shown.

    Attributes:
        template: The template's name, without its ending.
        title: What the page is called.
        facts: What the template shows; no representation does.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"facts"})

    template: str
    title: str
    facts: Mapping[str, object] = field(default_factory=dict)
