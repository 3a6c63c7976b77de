"""One or several strings, as TOML has them."""


def texts(found: str | list[str]) -> tuple[str, ...]:
    """Return the strings."""
    return (found,) if isinstance(found, str) else tuple(found)
