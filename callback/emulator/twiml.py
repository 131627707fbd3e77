"""Reading TwiML strictly: an unknown verb, attribute, value or nesting is an error, never ignored.

The real carrier forgives much and says so only in a debugger nobody watches; this one refuses, so that a typing
mistake in a document is found by the first call. What is allowed stands in :mod:`callback.emulator.grammar`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

from callback.emulator.grammar import GRAMMAR, SSML, VERBS, Grammar, Mode

__all__ = ["Mode", "TwimlError", "Verb", "identity", "parse", "speech_seconds"]

PARSE_FAILURE = 12100
INVALID_DOCUMENT = 12200


class TwimlError(Exception):
    """A document that cannot be executed; ``code`` is the carrier's error number."""

    def __init__(self, message: str, code: int = INVALID_DOCUMENT) -> None:
        super().__init__(message)
        self.code = code


_XML_NAMESPACE = "{http://www.w3.org/XML/1998/namespace}"


@dataclass(frozen=True)
class Verb:
    """One element of a document that passed every check."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Verb, ...]

    def get(self, name: str, default: str = "") -> str:
        """An attribute as written."""
        return self.attributes.get(name, default)

    def number(self, name: str, default: int) -> int:
        """An attribute as a whole number."""
        return int(self.attributes.get(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        """An attribute that is ``true`` or ``false``."""
        return self.attributes[name] == "true" if name in self.attributes else default


def parse(document: str, mode: Mode = Mode.CALL) -> tuple[Verb, ...]:
    """Reads a ``<Response>``.

    Raises:
        TwimlError: 12100 when it is not XML with that root; 12200 for anything the grammar does not allow in ``mode``.
    """
    if "<!DOCTYPE" in document:
        raise TwimlError("a document type declaration is not allowed", PARSE_FAILURE)
    try:
        root = ET.fromstring(document.strip().encode())  # noqa: S314 - declarations are refused above
    except ET.ParseError as error:
        raise TwimlError(f"not well-formed XML: {error}", PARSE_FAILURE) from error
    if root.tag != "Response":
        raise TwimlError(f"the root element is <{root.tag}>, not <Response>", PARSE_FAILURE)
    if root.attrib:
        raise TwimlError(f"<Response> has no attribute {next(iter(root.attrib))!r}")
    _refuse_text(root, "Response")
    verbs = tuple(_element(child, VERBS[Mode.CALL], "Response") for child in root)
    for verb in verbs:
        if verb.name not in VERBS[mode]:
            raise TwimlError(f"<{verb.name}> is not allowed in a {mode.value} document")
    return verbs


def _element(element: ET.Element, allowed: frozenset[str], parent: str) -> Verb:
    name = element.tag
    if name not in allowed:
        raise TwimlError(f"<{name}> is not a known element of <{parent}>")
    grammar = GRAMMAR[name]
    attributes = {key.replace(_XML_NAMESPACE, "xml:"): value for key, value in element.attrib.items()}
    _check_attributes(name, attributes, grammar)
    children = tuple(_element(child, grammar.children, name) for child in element)
    verb = Verb(name, attributes, _text(element, grammar), children)
    _check_shape(verb)
    return verb


def _check_attributes(name: str, attributes: Mapping[str, str], grammar: Grammar) -> None:
    for attribute, value in attributes.items():
        check = grammar.attributes.get(attribute) or grammar.inert.get(attribute)
        if check is None:
            raise TwimlError(f"<{name}> has no attribute {attribute!r} that is known here")
        if not check(value):
            raise TwimlError(f"<{name} {attribute}> cannot be {value!r}")
    missing = sorted(grammar.required - set(attributes))
    if missing:
        raise TwimlError(f"<{name}> needs {', '.join(missing)}")


def _text(element: ET.Element, grammar: Grammar) -> str:
    if grammar.text == "none":
        _refuse_text(element, element.tag)
        return ""
    spoken = element.tag == "Say" or element.tag in SSML
    text = re.sub(r"\s+", " ", "".join(element.itertext()) if spoken else _own_text(element)).strip()
    if grammar.text == "required" and not text:
        raise TwimlError(f"<{element.tag}> must not be empty")
    return text


def _own_text(element: ET.Element) -> str:
    return (element.text or "") + "".join(child.tail or "" for child in element)


def _refuse_text(element: ET.Element, name: str) -> None:
    loose = _own_text(element)
    if loose.strip():
        raise TwimlError(f"<{name}> cannot contain text: {loose.strip()[:40]!r}")


def _check_shape(verb: Verb) -> None:
    """The few rules about combinations that the tables cannot say."""
    if verb.name == "Dial":
        _check_dial(verb)
    if verb.name == "Play" and bool(verb.text) == ("digits" in verb.attributes):
        raise TwimlError("<Play> needs either a URL or digits")
    if verb.name == "Client":
        _check_client(verb)
    if verb.name == "Enqueue" and len(verb.text) > 64:
        raise TwimlError("<Enqueue> queue names have at most 64 characters")


def identity(client: Verb) -> str:
    """Whom a ``<Client>`` names, in either of its two spellings."""
    return client.text or next((child.text for child in client.children if child.name == "Identity"), "")


def _check_client(verb: Verb) -> None:
    names = [child.name for child in verb.children]
    if names.count("Identity") != (0 if verb.text else 1) or "Identity" in names[1:]:
        raise TwimlError("<Client> needs one identity, before its parameters")


def _check_dial(verb: Verb) -> None:
    kinds = {child.name for child in verb.children}
    if bool(kinds) == bool(verb.text):
        raise TwimlError("<Dial> needs either a number as its text or nouns to dial")
    if len(verb.children) > 1 and kinds & {"Queue", "Conference"}:
        raise TwimlError("<Dial> takes a single <Queue> or <Conference>")
    if len(verb.children) > 10:
        raise TwimlError("<Dial> rings at most ten at once")


def speech_seconds(text: str) -> float:
    """How long it takes to say ``text``: 15 characters a second, 5 for Chinese, Japanese and Korean."""
    wide = sum(1 for character in text if "\u2e80" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af")
    return wide / 5 + (len(text) - wide) / 15
