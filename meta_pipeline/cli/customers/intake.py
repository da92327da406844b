"""Check the intake, and write a new one from what is linked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.intake import evidence_of
from meta_pipeline.consent.local import CALLBACK
from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.intake.claims import contradictions
from meta_pipeline.intake.draft import draft_intake
from meta_pipeline.intake.file import load_intake
from meta_pipeline.intake.intake import Intake
from meta_pipeline.intake.questions import Question, open_questions
from meta_pipeline.records import ConfigError
from meta_pipeline.store.connections.node_links import list_links


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """A valid intake, the questions that it leaves open, and the claims that the evidence contradicts."""

    source: str
    intake: Intake
    questions: tuple[Question, ...]
    contradictions: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report for a program."""
        return {
            "file": self.source, "tenants": [tenant.name for tenant in self.intake.tenants],
            "unanswered": [
                {"key": question.key, "question": question.text, "reason": question.reason}
                for question in self.questions
            ],
            "contradicted": list(self.contradictions),
        }


def check(runtime: Runtime, file: Path | None) -> IntakeReport:
    """Return the report on the intake. Raise ConfigError if there is no intake, or if it is not valid."""
    path = file or runtime.settings.tenants
    if path is None:
        raise ConfigError(
            "there is no intake: write one with `meta-pipeline intake new --output intake.toml` and set "
            "META_PIPELINE_TENANTS to it"
        )
    intake = load_intake(path)
    return IntakeReport(
        str(path), intake, tuple(open_questions(intake)), tuple(contradictions(intake, evidence_of(runtime)))
    )


def new(runtime: Runtime) -> str:
    """Return a commented intake with what is linked."""
    uri = runtime.settings.public_url.rstrip("/") + CALLBACK
    return draft_intake(
        list_links(runtime.engine), scopes=scopes_for(2, runtime.features), redirect_uri=uri,
        domain=urlsplit(uri).hostname or "localhost",
    )


def write(text: str, file: Path) -> None:
    """Write a new file that only its owner can read. Raise ConfigError if it exists or can't be written."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{file} exists: choose another --output, so that no answer is lost") from None
    except OSError as error:
        raise ConfigError(f"{file} can't be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
