"""The repository as data, for tests that hold over all of it."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("callback", "workers", "migrations", "bench")


def tracked() -> list[Path]:
    """Every file under version control or about to be, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in names.split("\0") if name and (ROOT / name).exists()]


def python_files(*folders: str) -> Iterator[Path]:
    """Our Python files below `folders` (the code by default), relative to the root."""
    for path in tracked():
        if path.suffix == ".py" and path.parts[0] in (folders or CODE):
            yield path


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file named relative to the root."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))
