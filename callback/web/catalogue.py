"""The catalogue as plain typed functions: flask_babel brings no types, and pages need sentences that are strings."""

import flask_babel


def gettext(sentence: str, **values: object) -> str:
    """The sentence in the answer's language, with its `%(name)s` places filled."""
    return str(flask_babel.gettext(sentence, **values))


def ngettext(singular: str, plural: str, num: int, **values: object) -> str:
    """The form of the sentence for `num`, which is also the place `%(num)s`."""
    return str(flask_babel.ngettext(singular, plural, num, **values))
