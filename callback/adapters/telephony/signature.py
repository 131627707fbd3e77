"""Whether a webhook really comes from the carrier: the signature it puts on every request.

Base64 of HMAC-SHA1 with the account's secret over the URL and, for a form, every parameter sorted by name, each name
followed by its value (the carrier's published scheme). Everything that it sends us is such a form.

The carrier signs URLs sometimes with and sometimes without their port, so both spellings count. The library's own check
takes a tenth of a millisecond at every webhook, mostly in parsing the URL; this one does the same in a few
microseconds and is held against the library's by random requests in the tests. The URL must be built from the public
base URL: behind a proxy the server sees another one.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import ParseResult, urlparse

HEADER: Final = "X-Twilio-Signature"

_DEFAULT_PORTS: Final = {"https": 443}
_OTHER_PORT: Final = 80


class SignatureCheck:
    """Checks the signatures of one account."""

    def __init__(self, auth_token: str) -> None:
        self._key = auth_token.encode()

    def valid(self, url: str, form: Iterable[tuple[str, str]], signature: str | None) -> bool:
        """Whether a form request is signed.

        Args:
            url: the whole URL that the carrier was given, query included.
            form: every field of the body, repeated names included, in any order.
            signature: the header as received, None when it is missing.
        """
        if not signature:
            return False
        fields = "".join([name + value for name, value in sorted(set(form))])
        return self._signed(url, fields, signature)

    def _signed(self, url: str, fields: str, signature: str) -> bool:
        given = _bytes(signature)
        try:
            as_given, otherwise = spellings(url)
            return self._signs(as_given + fields, given) or self._signs(otherwise + fields, given)
        except ValueError:  # a URL or a field that cannot have been sent: an impossible port, half a character
            return False

    def _signs(self, text: str, signature: bytes) -> bool:
        return hmac.compare_digest(b2a_base64(hmac.digest(self._key, text.encode(), "sha1"), newline=False), signature)


def spellings(url: str) -> tuple[str, str]:
    """The URL as it is, then without its port; or with the scheme's own port where it has none.

    Raises:
        ValueError: for a URL that has no readable host and port.
    """
    scheme, _, rest = url.partition("://")
    if _needs_parsing(url, scheme):
        return _parsed_spellings(urlparse(url))
    host, slash, path = rest.partition("/")
    if "?" in host or "#" in host:
        return _parsed_spellings(urlparse(url))
    as_given, otherwise = _origin(scheme, host)
    return as_given + slash + path, otherwise + slash + path


def _needs_parsing(url: str, scheme: str) -> bool:
    """Whether parsing the URL and putting it together again might give another text than the URL itself."""
    return (
        scheme not in {"http", "https"}
        or ";" in url
        or "[" in url
        or "?#" in url
        or url[-1] in "?#"
        or not (url.isascii() and url.isprintable())
    )


@lru_cache(maxsize=64)
def _origin(scheme: str, host: str) -> tuple[str, str]:
    return _parsed_spellings(urlparse(f"{scheme}://{host}"))


def _parsed_spellings(url: ParseResult) -> tuple[str, str]:
    if url.port:
        return url.geturl(), url._replace(netloc=url.netloc.split(":")[0]).geturl()
    port = _DEFAULT_PORTS.get(url.scheme, _OTHER_PORT)
    return url.geturl(), url._replace(netloc=f"{url.netloc}:{port}").geturl()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
