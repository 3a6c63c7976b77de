"""Any order of requests for secrets, and any time between them, against a plain model of what a vault holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.local.object_machine import NAMES, Json, Kept, ObjectMachine, run_machine

if TYPE_CHECKING:
    from tests.local.conftest import Serve

VALUES = st.text(st.characters(codec="utf-8"), max_size=20)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "contentType": st.text(st.characters(codec="utf-8"), max_size=20),
        "tags": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        "attributes": st.fixed_dictionaries(
            {}, optional={"enabled": st.booleans(), "nbf": st.integers(-(2**31), 2**33), "exp": st.integers(0, 2**33)}
        ),
    },
).filter(lambda body: json.dumps(body, ensure_ascii=False).isprintable())


class SecretMachine(ObjectMachine):
    """The secrets of a vault."""

    kind = "secrets"
    not_found = "SecretNotFound"
    role = "Key Vault Secrets Officer"

    def make(self, name: str) -> None:
        self.set_it(name, f"first value of {name}", {})

    def id_of(self, version: Json) -> str:
        return str(version["id"])

    def whole(self, version: Json) -> Json:
        return {key: each for key, each in version.items() if key != "value"}

    def item(self, version: Json, identifier: str) -> Json:
        return {**self.whole(version), "id": identifier}

    @rule(name=NAMES, value=VALUES, properties=PROPERTIES)
    def set_it(self, name: str, value: str, properties: Json) -> None:
        answer = self.ask("PUT", f"/secrets/{name}", {"value": value, **properties})
        if self.name_is_in_use(answer, name):
            return
        kept = self.objects.setdefault(name.lower(), Kept(name, []))
        version = answer[1]["id"].rpartition("/")[2]
        tags = properties.get("tags")
        expected = {
            "value": value,
            **({"contentType": properties["contentType"]} if "contentType" in properties else {}),
            "id": f"https://{self.vault.host}/secrets/{kept.name}/{version}",
            "attributes": {"enabled": True, **properties.get("attributes", {}), **self.new_attributes},
            **({"tags": tags} if tags else {}),
        }
        assert answer == (200, expected)
        kept.versions.append(expected)

    @rule(name=NAMES, index=st.integers(-1, 3))
    def get_it(self, name: str, index: int) -> None:
        kept = self.active(name)
        if kept is None:
            self.refused(self.ask("GET", f"/secrets/{name}"), 404, "SecretNotFound")
            return
        index = min(index, len(kept.versions) - 1)
        version = kept.versions[index]
        answer = self.ask("GET", f"/secrets/{name}/{'' if index == -1 else version['id'].rpartition('/')[2]}")
        if version["attributes"]["enabled"]:
            assert answer == (200, version)
        else:
            self.refused(answer, 403, "Forbidden", "SecretDisabled")

    @rule(name=NAMES, properties=PROPERTIES)
    def update_it(self, name: str, properties: Json) -> None:
        answer, kept = self.ask("PATCH", f"/secrets/{name}/", properties), self.active(name)
        if kept is None:
            self.refused(answer, 404, "SecretNotFound")
            return
        before = kept.versions[-1]
        attributes = {**before["attributes"], **properties.get("attributes", {}), "updated": self.now}
        after = {**before, **properties, "attributes": attributes}
        if not after.get("tags"):
            after.pop("tags", None)
        kept.versions[-1] = after
        assert answer == (200, self.whole(after))


def test_a_vault_does_what_the_model_says(serve: Serve) -> None:
    run_machine(SecretMachine, serve, steps=12)
