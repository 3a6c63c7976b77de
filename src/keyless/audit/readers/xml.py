"""Reads what .NET and Maven projects require, in XML: *.csproj, Directory.Packages.props, pom.xml."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

from keyless.audit.facts import Package, Runtime
from keyless.audit.source import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source


class _Reading:
    """The facts found so far in one file, as the parser goes through it."""

    def __init__(self, source: Source, parser: expat.XMLParserType) -> None:
        self.facts: list[Fact] = []
        self._source = source
        self._parser = parser
        self._path: list[str] = []
        self._text = ""
        self._dependency: dict[str, str] = {}
        self._line = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self._path.append(name)
        self._text = ""
        line = self._parser.CurrentLineNumber
        if name in {"PackageReference", "PackageVersion"}:
            package = attributes.get("Include") or attributes.get("Update") or ""
            self._dependency = {"name": package, "Version": attributes.get("Version", "")}
            self._line = line
        elif name in {"dependency", "parent", "plugin"}:
            self._dependency, self._line = {}, line

    def text(self, data: str) -> None:
        self._text += data

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        self._path.pop()
        outer = self._path[-1] if self._path else ""
        text, place = self._text.strip(), self._source.place(self._parser.CurrentLineNumber)
        if name == "Version" and outer in {"PackageReference", "PackageVersion"}:
            self._dependency["Version"] = text
        elif outer == "dependency" and name in {"groupId", "artifactId", "version"}:
            self._dependency[name] = text
        elif name in {"PackageReference", "PackageVersion"}:
            self._package("nuget", self._dependency.get("name", ""), self._dependency.get("Version", ""))
        elif name == "dependency":
            package = f"{self._dependency.get('groupId')}:{self._dependency.get('artifactId')}"
            self._package("maven", package, self._dependency.get("version", ""))
        elif name in {"TargetFramework", "AzureFunctionsVersion"}:
            self._runtime(name, text, place.line)

    def _package(self, ecosystem: str, name: str, version: str) -> None:
        # A property such as $(AzureVersion) or ${azure.version} is elsewhere.
        if not version or "$" in version:
            return
        place = self._source.place(self._line)
        if ecosystem == "nuget":
            self.facts.append(Package(ecosystem="nuget", name=name, requirement=version, place=place))
        else:
            self.facts.append(Package(ecosystem="maven", name=name, requirement=version, place=place))

    def _runtime(self, name: str, text: str, line: int) -> None:
        place = self._source.place(line)
        if name == "AzureFunctionsVersion":
            self.facts.append(Runtime(language="functions", version=text, place=place))
        elif b"AzureFunctionsVersion" in self._source.data and text.startswith("net") and "." in text:
            self.facts.append(Runtime(language="dotnet", version=text.removeprefix("net"), place=place))


def read(source: Source) -> Iterator[Fact]:
    """Yield what a project file names."""
    parser = expat.ParserCreate(namespace_separator=":")
    reading = _Reading(source, parser)
    parser.StartElementHandler = reading.start
    parser.CharacterDataHandler = reading.text
    parser.EndElementHandler = reading.end
    try:
        parser.Parse(source.data, True)
    except expat.ExpatError as error:
        source.problems.append(Problem(source.path, error.lineno, f"This is not XML: {expat.ErrorString(error.code)}."))
    yield from reading.facts
