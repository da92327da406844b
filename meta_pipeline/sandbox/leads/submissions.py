"""Forms and the leads that people submit through them: computed from absolute time, and added by calls."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meta_pipeline.sandbox.metrics.growth import publication_times
from meta_pipeline.sandbox.world.entities import Account, Entity, Page
from meta_pipeline.sandbox.world.world import World

KEPT_FOR = dt.timedelta(days=90)
_FIRST_FORM, _FIRST_LEAD, _SPACING = 9_100_000_000_000, 9_200_000_000_000, 1_000_000
# The number of the first lead that a call adds, among the leads of its Page.
_FIRST_ADDED = 500_000
_FORMS = (("Newsletter", "ACTIVE"), ("Fitting appointment", "ACTIVE"), ("Summer raffle", "ARCHIVED"))
_CREATED_AT = dt.datetime(2025, 3, 4, 9, tzinfo=dt.UTC)
_NAMES = ("Mia Hoffmann", "Noah Silva", "Aiko Tanaka", "Liam Walker", "Zoë Laurent", "Ravi Patel")
_SIZES = ("S", "M", "L", "XL")
SIZE_QUESTION = "which_size_do_you_wear?"

Answers = tuple[tuple[str, tuple[str, ...]], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """A lead form of a Page."""

    id: str
    page: Page
    name: str
    status: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """One submission. `ad`: the ad that showed the form, None for an organic lead."""

    id: str
    form: Form
    at: dt.datetime
    ad: Entity | None
    platform: str
    answers: Answers
    is_test: bool = False


class Submissions:
    """The forms and leads of every Page. `promoted_page` returns the Page that an account's ads promote."""

    def __init__(self, world: World, promoted_page: Callable[[Account], Page]) -> None:
        self.world, self._promoted_page = world, promoted_page
        self.added: dict[str, Lead] = {}
        self.deleted: set[str] = set()
        self.forms = {
            form.id: form for page in world.pages.values() for number, (name, status) in enumerate(_FORMS)
            for form in [Form(str(_FIRST_FORM + _shift(page) + number), page, name, status)]
        }

    def forms_of(self, page: Page) -> list[Form]:
        """Return the forms of a Page, newest first."""
        return [form for form in self.forms.values() if form.page is page][::-1]

    def of_form(self, form: Form, now: dt.datetime) -> list[Lead]:
        """Return the leads of a form that Meta still has, newest first, test leads excluded."""
        return [lead for lead in self._of_page(form.page, now) if lead.form == form and not lead.is_test]

    def of_ad(self, ad: Entity, now: dt.datetime) -> list[Lead]:
        """Return the leads of an ad that Meta still has, newest first."""
        page = self._promoted_page(ad.account)
        return [lead for lead in self._of_page(page, now) if lead.ad is ad and not lead.is_test]

    def test_leads(self, form: Form, now: dt.datetime) -> list[Lead]:
        """Return the test leads of a form."""
        return [lead for lead in self._of_page(form.page, now) if lead.form == form and lead.is_test]

    def find(self, lead_id: str, now: dt.datetime) -> Lead | None:
        """Return the lead with this id, if Meta still has it."""
        number = int(lead_id) - _FIRST_LEAD if lead_id.isdecimal() else -1
        page = next((page for page in self.world.pages.values() if 0 <= number - _shift(page) < _SPACING), None)
        leads = self._of_page(page, now) if page is not None else []
        return next((lead for lead in leads if lead.id == lead_id), None)

    def add(
        self, form: Form, answers: Answers, now: dt.datetime, *, ad: Entity | None = None, is_test: bool = False
    ) -> Lead:
        """Add a lead that somebody submits now."""
        number = _FIRST_ADDED + sum(lead.form.page is form.page for lead in self.added.values())
        lead = Lead(
            id=str(_FIRST_LEAD + _shift(form.page) + number), form=form, at=now.replace(microsecond=0), ad=ad,
            platform="fb", answers=answers, is_test=is_test,
        )
        self.added[lead.id] = lead
        return lead

    def plant(self, body: Mapping[str, Any], now: dt.datetime) -> Lead:
        """Add a lead with these `answers` (values by question) to a form (`form_id`, or the first of `page_id`), of an
        ad (`ad_id`) or organic. Raise ValueError for one that does not exist."""
        forms = [form for form in self.forms.values() if str(body.get("form_id", form.id)) == form.id]
        forms = [form for form in forms if str(body.get("page_id", form.page.id)) == form.page.id]
        ad = self.world.ads.get(str(body["ad_id"])) if "ad_id" in body else None
        if not forms or ("ad_id" in body and ad is None):
            raise ValueError("a planted lead has a form_id or page_id of this world, and an ad_id of it or none")
        answers = tuple((str(name), (str(value),)) for name, value in dict(body["answers"]).items())
        return self.add(forms[0], answers, now, ad=ad)

    def _of_page(self, page: Page, now: dt.datetime) -> list[Lead]:
        times = publication_times(
            self.world, page.id, "lead", per_two_years=self.world.options.leads_per_page, now=now
        )
        own = [self._lead(page, number, at) for number, at in enumerate(times) if at > now - KEPT_FOR]
        added = [lead for lead in self.added.values() if lead.form.page is page and now - KEPT_FOR < lead.at <= now]
        leads = [lead for lead in (*own, *added) if lead.id not in self.deleted]
        return sorted(leads, key=lambda lead: (lead.at, lead.id), reverse=True)

    def _lead(self, page: Page, number: int, at: dt.datetime) -> Lead:
        draw = self.world.roll(page.id, "lead", number)
        ads = () if draw % 6 == 0 else self._ads_on(page, at.date(), self.world.revision)
        name = _NAMES[(draw >> 8) % len(_NAMES)]
        person = f"{name.split()[0].lower()}.{number}"
        forms = self.forms_of(page)
        answers: Answers = (
            ("full_name", (name,)), ("email", (f"{person.encode('ascii', 'ignore').decode()}@mail.example",)),
            ("phone_number", (f"+49151{(draw >> 16) % 10**8:08d}",)),
            (SIZE_QUESTION, (_SIZES[(draw >> 4) % len(_SIZES)],)),
        )
        return Lead(
            id=str(_FIRST_LEAD + _shift(page) + number), form=forms[(draw >> 24) % len(forms)],
            at=at.replace(microsecond=0), ad=ads[(draw >> 32) % len(ads)] if ads else None,
            platform="ig" if (draw >> 40) % 3 == 0 else "fb", answers=answers,
        )

    @functools.lru_cache(maxsize=512)  # noqa: B019 - one object per sandbox
    def _ads_on(self, page: Page, day: dt.date, revision: int) -> Sequence[Entity]:
        """Return the ads that promoted a Page on a day; `revision` of the world is part of the key."""
        return [
            ad for account in self.world.accounts.values() if self._promoted_page(account) is page
            for ad in self.world.ads_of(account.id) if self.world.final_delivery(ad.id, day).delivery.impressions
        ]


def _shift(page: Page) -> int:
    return int(page.id[-4:]) * _SPACING


def created_at(form: Form) -> dt.datetime:
    """Return when a form was created."""
    return _CREATED_AT + dt.timedelta(days=int(form.id[-1]) * 30)
