"""Brings the catalogue up to date: `python -m callback.locale.build`, or with `--check` says what is not.

There is one catalogue per language, for what is heard and what is read, laid out as `flask_babel` and `gettext` expect:

    zh/voice.po                  sentences of the voice and of texts, kept by hand
    zh/house.po                  sentences about the house as a whole, kept by hand
    zh/web.po                    sentences of the pages, kept by hand
    zh/LC_MESSAGES/messages.po   all together, and
    zh/LC_MESSAGES/messages.mo   what programs read: domain "messages", made by this program

English is the source and has no files. To add a sentence: write it in English where it is used (`sentences.py`, or
`gettext("…")`, `ngettext("…", "…", n)` and `{% trans %}` in the pages, with `%(name)s` places), run this program, which
puts it into the fragment with an empty translation, translate it there, and run the program again. A sentence that is
no longer used leaves the fragments. Nothing in the files depends on the day, so that a second run changes nothing.
"""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

FOLDER: Final = Path(__file__).resolve().parent
PACKAGE: Final = FOLDER.parent
LANGUAGES: Final = ("zh",)

_PAGE_WORDS: Final[dict[str, Any]] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
}
_READ: Final[dict[str, tuple[Message, ...]]] = {}
_PLACE: Final = re.compile(r"%\((\w+)\)")
_HEADERS: Final = frozenset({"Language", "Plural-Forms", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"})


@dataclass(frozen=True)
class Fragment:
    """A part of the catalogue with its own file: where its sentences stand, and the calls that mark them."""

    name: str
    source: Path
    methods: tuple[tuple[str, str], ...]
    keywords: dict[str, Any]


FRAGMENTS: Final = (
    Fragment(
        "voice",
        PACKAGE / "adapters" / "telephony",
        (("sentences.py", "python"),),
        {"sentence": None, "counted": (1, 2)},
    ),
    Fragment("house", PACKAGE / "domain", (("condition.py", "python"),), {"told": None}),
    Fragment("web", PACKAGE / "web", (("**.py", "python"), ("templates/**.html", "jinja2")), _PAGE_WORDS),
)


class Undated(Catalog):
    """A catalogue whose header names the language and nothing that changes from day to day."""

    def __init__(self, language: str) -> None:
        super().__init__(language, header_comment=f"# The catalogue of the product: {language}.", fuzzy=False)

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in Catalog._get_mime_headers(self) if name in _HEADERS]


def fragment_path(language: str, fragment: Fragment, folder: Path = FOLDER) -> Path:
    """The file translators work in."""
    return folder / language / f"{fragment.name}.po"


def compiled_path(language: str, folder: Path = FOLDER) -> Path:
    """The file programs read."""
    return folder / language / "LC_MESSAGES" / "messages.mo"


def updated(language: str, fragment: Fragment, folder: Path = FOLDER) -> Catalog:
    """The fragment with exactly the sentences its source uses now, and the translations it has for them."""
    known = _read(fragment_path(language, fragment, folder), language)
    catalog = Undated(language)
    for message in _extracted(fragment):
        before = known.get(message.id)
        catalog[message.id] = Message(
            message.id, before.string if before else "", message.locations, auto_comments=message.auto_comments
        )
    return catalog


def merged(language: str, folder: Path = FOLDER) -> Catalog:
    """All fragments as they are, in one. Raises ValueError where two of them translate a sentence differently."""
    catalog = Undated(language)
    for fragment in FRAGMENTS:
        for message in _messages(_read(fragment_path(language, fragment, folder), language)):
            other = catalog.get(message.id)
            if other is not None and other.string != message.string:
                raise ValueError(f"two translations of {message.id!r}: {other.string!r} and {message.string!r}")
            catalog[message.id] = Message(message.id, message.string, message.locations)
    return catalog


def untranslated(language: str, folder: Path = FOLDER) -> list[str]:
    """The sentences without a translation, or with one whose places differ from the source's, each with the reason."""
    complaints: list[str] = []
    for message in _messages(merged(language, folder)):
        needed, strings = _places(message.id), _strings(message)
        if not all(strings):
            complaints.append(f"{message.id!r} has no translation")
        elif any(_places(string) != needed for string in strings):
            complaints.append(f"{message.id!r} is translated with other places than {sorted(needed)}")
    return complaints


def outdated(language: str, folder: Path = FOLDER) -> list[Path]:
    """The files that a run of this program would change."""
    return [path for path, content in _files(language, folder) if not path.exists() or path.read_bytes() != content]


def build(language: str, folder: Path = FOLDER) -> None:
    """Writes the fragments, then the merged and the compiled catalogue made from them."""
    for fragment in FRAGMENTS:
        _write(fragment_path(language, fragment, folder), po_bytes(updated(language, fragment, folder)))
    for path, content in _files(language, folder):
        _write(path, content)


def po_bytes(catalog: Catalog) -> bytes:
    """The catalogue as text, as translators read it."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, include_lineno=False)
    return buffer.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    """The catalogue as programs read it."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def _files(language: str, folder: Path) -> Iterator[tuple[Path, bytes]]:
    for fragment in FRAGMENTS:
        yield fragment_path(language, fragment, folder), po_bytes(updated(language, fragment, folder))
    whole, compiled = merged(language, folder), compiled_path(language, folder)
    yield compiled.with_suffix(".po"), po_bytes(whole)
    yield compiled, mo_bytes(whole)


def _extracted(fragment: Fragment) -> tuple[Message, ...]:
    """Every sentence of its source, which is read once by a process: that takes longer than all else here."""
    if fragment.name not in _READ:
        _READ[fragment.name] = tuple(_read_source(fragment))
    return _READ[fragment.name]


def _read_source(fragment: Fragment) -> list[Message]:
    found = extract_from_dir(
        fragment.source, list(fragment.methods), keywords=fragment.keywords, comment_tags=("Translators:",)
    )
    template = Catalog()
    for path, line, identity, comments, _context in found:
        where = (fragment.source / path).relative_to(PACKAGE.parent).as_posix()
        template.add(identity, None, [(where, line)], auto_comments=comments)
    return sorted(_messages(template), key=lambda message: message.locations[0])


def _messages(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _places(text: str | Iterable[str]) -> frozenset[str]:
    """The `%(name)s` places of a text, or of all forms of a counted one: a form for 1 may spell its number out."""
    forms = (text,) if isinstance(text, str) else tuple(text)
    return frozenset(name for form in forms for name in _PLACE.findall(form))


def _read(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, language)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@click.command(help="Brings the catalogue up to date with the sentences in the code.")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when a file is out of date.")
def main(check: bool) -> None:
    """The command line."""
    complaints: list[str] = []
    for language in LANGUAGES:
        if check:
            complaints += [f"out of date: {path.relative_to(FOLDER)}" for path in outdated(language)]
        else:
            build(language)
        complaints += [f"{language}: {complaint}" for complaint in untranslated(language)]
    for complaint in complaints:
        click.echo(complaint, err=True)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
