"""The followers of an Instagram account and the people who engage with it, by age, gender, city and country
(docs/graph-api.md §3.4).

Every combination of dimensions counts the same people; a response has the 45 largest entries.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence

from meta_pipeline.sandbox.instagram.account_metrics import DEMOGRAPHIC_DIMENSIONS
from meta_pipeline.sandbox.instagram.account_values import AccountValues, Cells
from meta_pipeline.sandbox.metrics.pacific import pacific_day
from meta_pipeline.sandbox.world.entities import Page
from meta_pipeline.sandbox.world.world import World

MAX_ENTRIES = 45
_AGES = {"13-17": 30, "18-24": 240, "25-34": 350, "35-44": 190, "45-54": 100, "55-64": 60, "65+": 30}
_GENDERS = {"F": 520, "M": 430, "U": 50}
# Not everybody has demographic data; of those who engage, only a part follows.
_WITH_DATA_PER_MILLE = {"follower_demographics": 960, "this_week": 140, "this_month": 380}
_CITIES: dict[str, tuple[str, ...]] = {
    "US": ("New York, New York", "Los Angeles, California", "Chicago, Illinois", "Austin, Texas", "Portland, Oregon"),
    "DE": ("Berlin, Berlin", "Hamburg, Hamburg", "München, Bayern", "Köln, Nordrhein-Westfalen"),
    "GB": ("London, England", "Manchester, England", "Glasgow, Scotland"), "JP": ("Tokyo, Tokyo", "Osaka, Osaka"),
    "NZ": ("Auckland, Auckland Region", "Wellington, Wellington Region", "Christchurch, Canterbury"),
    "BR": ("São Paulo, São Paulo (state)", "Rio de Janeiro, Rio de Janeiro (state)"), "FR": ("Paris, Île-de-France",),
    "ES": ("Madrid, Comunidad de Madrid", "Barcelona, Cataluña"), "IT": ("Rome, Lazio", "Milan, Lombardia"),
    "CA": ("Toronto, Ontario", "Vancouver, British Columbia"), "AU": ("Sydney, New South Wales", "Melbourne, Victoria"),
    "MX": ("Mexico City, Distrito Federal",), "IN": ("Mumbai, Maharashtra", "Delhi, Delhi"), "AT": ("Wien, Wien",),
    "CH": ("Zürich, Zürich",), "NL": ("Amsterdam, Noord-Holland",), "BE": ("Brussels, Brussels",),
    "DK": ("Copenhagen, Hovedstaden",), "SE": ("Stockholm, Stockholms län",), "NO": ("Oslo, Oslo",),
    "FI": ("Helsinki, Uusimaa",), "PL": ("Warsaw, Masovian Voivodeship",), "CZ": ("Prague, Praha",),
    "PT": ("Lisbon, Lisboa",), "IE": ("Dublin, Dublin",), "GR": ("Athens, Attica",), "TR": ("Istanbul, İstanbul",),
    "RO": ("Bucharest, București",), "HU": ("Budapest, Budapest",), "AR": ("Buenos Aires, Ciudad de Buenos Aires",),
    "CL": ("Santiago, Santiago Metropolitan Region",), "CO": ("Bogotá, Distrito Especial",), "PE": ("Lima, Lima",),
    "KR": ("Seoul, Seoul",), "TW": ("Taipei, Taipei",), "HK": ("Hong Kong, Hong Kong",), "TH": ("Bangkok, Bangkok",),
    "SG": ("Singapore, Singapore",), "ID": ("Jakarta, Jakarta",), "PH": ("Manila, Metro Manila",),
    "VN": ("Hanoi, Hà Nội",),
    "MY": ("Kuala Lumpur, Kuala Lumpur",), "ZA": ("Cape Town, Western Cape",), "NG": ("Lagos, Lagos State",),
    "EG": ("Cairo, Cairo Governorate",), "AE": ("Dubai, Dubai",), "IL": ("Tel Aviv, Tel Aviv District",),
}


class Demographics:
    """The demographics of every account of a world."""

    def __init__(self, world: World, values: AccountValues) -> None:
        self.world = world
        self.values = values
        self._people = functools.lru_cache(maxsize=64)(self._count_people)

    def entries(
        self, page: Page, metric: str, dimensions: Sequence[str], now: dt.datetime, *, timeframe: str = ""
    ) -> Cells:
        """Return the largest entries of a combination of dimensions, largest first, in the dimensions' given order.

        `timeframe` is that of the engaged audience, empty for followers. The current day is not included.
        """
        followers = self.values.followers(page, now)
        total = followers * _WITH_DATA_PER_MILLE[timeframe or metric] // 1000
        cells: Cells = {}
        indexes = [DEMOGRAPHIC_DIMENSIONS.index(dimension) for dimension in dimensions]
        for person, count in self._people(page.instagram_id, metric, timeframe, pacific_day(now), total).items():
            cell = tuple(person[index] for index in indexes)
            cells[cell] = cells.get(cell, 0) + count
        largest = sorted(cells.items(), key=lambda item: (-item[1], item[0]))
        return dict(largest[:MAX_ENTRIES])

    def _count_people(self, account_id: str, metric: str, timeframe: str, today: dt.date, total: int) -> Cells:
        """Return people by age, gender, city and country. The engaged audience depends on `today`."""
        salt = (account_id, metric, timeframe, today if timeframe else "")
        weights = {
            (age, gender, city, country): of_age * of_gender * self._weight(*salt, country, city, age)
            for country, cities in _CITIES.items() for city in cities
            for age, of_age in _AGES.items() for gender, of_gender in _GENDERS.items()
        }
        whole = sum(weights.values())
        counts = {cell: total * weight // whole for cell, weight in weights.items()}
        return {cell: count for cell, count in counts.items() if count}

    def _weight(self, *parts: object) -> int:
        """Return a weight between 1 and 1000, most of them small."""
        draw = self.world.roll("demographics", *parts) % 1000
        return 1 + draw * draw * draw // 1_000_000
