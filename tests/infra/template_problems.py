"""What is wrong with a Bicep file, as far as it can be known without Azure: each function returns problems, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.infra.bicep import Choice, Template, names, nodes, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.bicep import Declaration, Value
    from tree_sitter import Node

# https://learn.microsoft.com/en-us/azure/azure-resource-manager/bicep/bicep-functions
FUNCTIONS = {
    "resourceGroup",
    "uniqueString",
    "newGuid",
    "empty",
    "union",
    "guid",
    "subscriptionResourceId",
    "environment",
    "bool",
    "replace",
    "tenant",
}


def syntax_problems(template: Template) -> Iterator[str]:
    """Tell of what the parser cannot make sense of."""
    for node in nodes(template.root):
        if node.is_error or node.is_missing:
            yield f"line {node.start_point.row + 1}: {text(node) or node.type}"


def name_problems(template: Template) -> Iterator[str]:
    """Tell of names that are used and not declared, inputs that are declared and not used, and unknown functions."""
    used = {text(node) for node in used_names(template)}
    inputs = {*template.of_kind("param"), *template.of_kind("import")}
    inputs |= {name for name, found in template.of_kind("var").items() if "export" not in found.decorators}
    yield from (f"{name} is not declared" for name in sorted(used - set(template.declarations)))
    yield from (f"{name} is not used" for name in sorted(inputs - used))
    for call in nodes(template.root):
        if call.type == "call_expression" and call.parent is not None and call.parent.type != "decorator":
            function = call.named_children[0]
            if function.type == "identifier" and text(function) not in FUNCTIONS:
                yield f"{text(function)} is no function of Bicep that is known here"


def output_problems(template: Template) -> Iterator[str]:
    """Tell of outputs of a module that are read and that it does not have."""
    modules = template.of_kind("module")
    for node in used_names(template):
        if text(node) in modules and node.parent is not None and node.parent.parent is not None:
            module = modules[text(node)]
            read = text(node.parent.parent.named_children[-1])
            if text(node.parent.named_children[-1]) != "outputs" or read not in local(template, module).of_kind(
                "output"
            ):
                yield f"{module.name} gives no {read}"


def parameter_problems(template: Template) -> Iterator[str]:
    """Tell of what a module is given and does not take, and of what it needs and is not given."""
    for module in template.of_kind("module").values():
        params = local(template, module).of_kind("param")
        takes, needs = set(params), {name for name, found in params.items() if found.value is None}
        yield from (f"{module.name} does not take {name}" for name in sorted(set(module.given) - takes))
        yield from (f"{module.name} needs {name}" for name in sorted(needs - set(module.given)))


def import_problems(template: Template) -> Iterator[str]:
    """Tell of what is imported and not there to import."""
    for imported in template.of_kind("import").values():
        source = local(template, imported).declarations.get(imported.name)
        if source is None or "export" not in source.decorators:
            yield f"{imported.source} exports no {imported.name}"


def secrecy_problems(template: Template) -> Iterator[str]:
    """Tell of secure parameters that become outputs, or are handed to parameters which are not secure."""
    secure = {name for name, found in template.declarations.items() if "secure" in found.decorators}
    for output in template.of_kind("output").values():
        yield from (f"{output.name} shows {name}" for name in sorted(secure & {*_names(output.value)}))
    for module in template.of_kind("module").values():
        for parameter, held in module.given.items():
            taker = local(template, module).declarations.get(parameter)
            if secure & {*_names(held)} and taker is not None and "secure" not in taker.decorators:
                yield f"{module.name}.{parameter} is not secure"


def description_problems(template: Template) -> Iterator[str]:
    """Tell of parameters and outputs that do not say what they are."""
    said = {**template.of_kind("param"), **template.of_kind("output")}
    yield from (f"{name} has no description" for name, found in said.items() if "description" not in found.decorators)


CHECKS = (
    *(syntax_problems, name_problems, output_problems, parameter_problems),
    *(import_problems, secrecy_problems, description_problems),
)


def used_names(template: Template) -> Iterator[Node]:
    """Return every use of a symbol: the identifiers that are no key of an object, no function and not being declared."""
    for node in nodes(template.root):
        if node.type != "identifier" or node.parent is None:
            continue
        first = node == node.parent.named_children[0]
        if first and (
            node.parent.type.endswith("_declaration") or node.parent.type in {"call_expression", "object_property"}
        ):
            continue
        yield node


def local(template: Template, module: Declaration) -> Template:
    """Return the template of ours that a module is."""
    return Template(template.path.parent / module.source)


def _names(found: Value) -> list[str]:
    return [*_names(found.yes), *_names(found.no)] if isinstance(found, Choice) else names(found)
