"""A new password as it is typed twice on a page: judged in the reader's words, and hashed."""

from collections.abc import Mapping

from callback.domain.passwords import LENGTH, LONGEST, Weak, weakness
from callback.web.catalogue import gettext
from callback.web.credentials import hash_password


def complaint(form: Mapping[str, str], email: str) -> str:
    """What is wrong with the fields `new` and `again`; "" where nothing is."""
    new = form.get("new", "")
    weak = weakness(new, email)
    if weak is not None:
        return _said(weak)
    return "" if new == form.get("again", "") else gettext("The two are not the same. Type both again.")


def hash_of(form: Mapping[str, str], email: str) -> str:
    """The hash of what `complaint` found nothing wrong with."""
    return hash_password(form["new"], email)


def _said(weak: Weak) -> str:
    match weak:
        case Weak.SHORT:
            return gettext("Use at least %(count)s characters.", count=LENGTH)
        case Weak.LONG:
            return gettext("Use at most %(count)s characters.", count=LONGEST)
        case Weak.COMMON:
            return gettext("This password is among the first that anybody would try. Choose another.")
        case Weak.PERSONAL:
            return gettext("The password must not contain the name in the email address.")
