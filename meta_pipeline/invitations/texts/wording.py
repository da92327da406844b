"""Choose the texts of a language, and fill them in."""

from __future__ import annotations

from dataclasses import dataclass

from meta_pipeline.invitations.texts import english, german
from meta_pipeline.records import ConfigError

LANGUAGES = {"en": english.TEXTS, "de": german.TEXTS}
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one language, with the names of both sides filled in."""

    language: str
    us: str
    tenant: str

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with these values, unescaped: the page escapes them."""
        return LANGUAGES[self.language][key].format(**{"us": self.us, "tenant": self.tenant, **values})


def check_language(language: str) -> str:
    """Return the language. Raise ConfigError, which lists the languages, when it does not exist."""
    if language not in LANGUAGES:
        raise ConfigError(f"the language {language[:20]!r} has no texts: use one of {', '.join(LANGUAGES)}")
    return language
