"""Where an installed package keeps its files, without importing it: some run code at import."""

import importlib.util
from pathlib import Path


def package_folder(name: str) -> Path:
    """The package's folder. Raises AssertionError saying how to install it."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise AssertionError(f"{name} is not installed: run `make test`, which installs it")
    return Path(found.submodule_search_locations[0])
