"""Write the pages in docs/reference: `make reference` runs it, and a test holds the pages to the code."""

from __future__ import annotations

from tests.reference.pages import FOLDER, pages

FOLDER.mkdir(exist_ok=True)
for name, text in pages().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
