"""Reads Dockerfiles: what they build on and install."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Package, Runtime, Setting
from keyless.audit.readers.secret_names import names_secret
from keyless.audit.readers.shell import read_bash
from keyless.audit.values import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

_INSTRUCTION: Final = re.compile(r"(?im)^[ \t]*(?P<name>FROM|RUN|ENV)[ \t]+(?P<rest>(?:[^\\\n]|\\.|\\\r?\n)*)")
_CLI: Final = re.compile(r"(?:^|[/ ])azure-cli:(?P<version>\d[\d.]*)")
_FUNCTIONS: Final = re.compile(
    r"azure-functions/(?P<language>[a-z]+)(?:-isolated)?:(?P<host>\d)(?:-[a-z-]*?(?P<version>\d[\d.]*))?"
)
_SETTING: Final = re.compile(r"""(?P<name>\w+)=(?:"(?P<quoted>[^"$]*)"|(?P<plain>[^\s"'$]+))""")


def read(source: Source) -> Iterator[Fact]:
    """Yield the facts in a Dockerfile."""
    text = source.data.decode(errors="replace")
    for found in _INSTRUCTION.finditer(text):
        line, rest = text.count("\n", 0, found.start("rest")) + 1, found["rest"]
        match found["name"].upper():
            case "FROM":
                yield from image(rest, source, line)
            case "RUN":
                yield from read_bash(
                    source.part(re.sub(r"^(--\S+\s+)+", lambda flags: " " * len(flags[0]), rest), line)
                )
            case "ENV":
                for setting in _SETTING.finditer(rest):
                    value = Scalar(setting["quoted"] or setting["plain"] or "", line)
                    if names_secret(setting["name"]):
                        place = source.place(line)
                        yield Setting(name=setting["name"], value=value, place=place, dialect="yaml")


def image(name: str, source: Source, line: int) -> Iterator[Fact]:
    """Yield the versions in an image's name."""
    place = source.place(line)
    if found := _CLI.search(name):
        yield Package(ecosystem="az", name="azure-cli", requirement=f"=={found['version']}", place=place)
    if found := _FUNCTIONS.search(name):
        yield Runtime(language="functions", version=found["host"], place=place)
        if found["version"]:
            yield Runtime(language=found["language"], version=found["version"], place=place)
