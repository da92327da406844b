"""The identifiers of people in texts that they wrote: e-mail addresses, phone numbers, page-scoped ids. Pure.

An identifier is a text such as `email:ann@example.com`; it is stored only inside a sealed record, and as a keyed digest
beside it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Only this much of a longer text is searched: more than Meta accepts in an answer or a message.
_LONGEST = 20_000
_EMAIL = re.compile(r"[^\s@<>\"'(),;:\[\]\\]{1,64}@[^\s@<>\"'(),;:\[\]\\/]{1,250}")
_PHONE = re.compile(r"(?<![\w.])\+?\(?[0-9](?:[\s().\-/]{0,3}[0-9]){5,19}(?!\w)")
USER = "user:"
_USERNAME = re.compile(r"@[A-Za-z0-9._]{1,60}")
_FEWEST_DIGITS, _MOST_DIGITS = 6, 15
# A number without the code of a country has 10 digits at most; its last 9 are the same in both spellings.
_LONGEST_NATIONAL, _SAME_DIGITS = 10, 9


def page_scoped_user(id: str) -> str:
    """Return the identifier of a person from their id for one Page or Instagram account."""
    return f"{USER}{id}"


def username(name: str) -> str:
    """Return the identifier of a person from their name on Instagram, without the @."""
    return f"username:{name.casefold()}"


def identifiers_in(texts: Iterable[str]) -> frozenset[str]:
    """Return the identifiers of everybody whose address or number is in these texts."""
    identifiers = set[str]()
    for text in texts:
        normalized = unicodedata.normalize("NFKC", text[:_LONGEST])
        identifiers |= {_email(address) for address in _EMAIL.findall(normalized)}
        for number in _PHONE.findall(normalized):
            if _FEWEST_DIGITS <= len(digits := _digits(number)) <= _MOST_DIGITS:
                identifiers.add(_national(digits) if _is_national(number) else f"phone:{digits}")
    return frozenset(identifiers)


def spellings_in(texts: Iterable[str], identifiers: frozenset[str]) -> frozenset[str]:
    """Return the addresses and numbers of these identifiers as they are spelled in texts."""
    return frozenset(
        match for text in texts for pattern in (_EMAIL, _PHONE) for match in pattern.findall(text[:_LONGEST])
        if identifiers & identifiers_in([match])
    )


def identifiers_of(contact: str) -> frozenset[str]:
    """Return the identifiers that an e-mail address, a phone number or a name on Instagram (`@name`) may have in a
    record; none for another text. A number with a country code also has the identifier of its spelling without one."""
    normalized = unicodedata.normalize("NFKC", contact.strip())
    if _USERNAME.fullmatch(normalized):
        return frozenset({username(normalized[1:])})
    if _EMAIL.fullmatch(normalized):
        return frozenset({_email(normalized)})
    if not _PHONE.fullmatch(normalized) or not _FEWEST_DIGITS <= len(digits := _digits(normalized)) <= _MOST_DIGITS:
        return frozenset()
    return frozenset({_national(digits)} if _is_national(normalized) else {f"phone:{digits}", _national(digits)})


def _email(address: str) -> str:
    return f"email:{address.strip('.').casefold()}"


def _digits(number: str) -> str:
    """Return the digits without leading zeros, which are prefixes of international and long-distance calls."""
    return "".join(character for character in number if character.isdecimal()).lstrip("0")


def _is_national(number: str) -> bool:
    if number.startswith(("+", "00", "(+", "(00")):
        return False
    return number.lstrip("(").startswith("0") or len(_digits(number)) <= _LONGEST_NATIONAL


def _national(digits: str) -> str:
    return f"phone-national:{digits[-_SAME_DIGITS:]}"
