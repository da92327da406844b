"""The followers of a Page by city and by country (docs/graph-api.md §3.3): one object each, for Pages with 100 people
or more."""

from __future__ import annotations

from meta_pipeline.sandbox.world.world import World

PLACES = {
    "page_follows_country": (
        "US", "GB", "DE", "FR", "JP", "BR", "NZ", "AU", "CA", "ES", "IT", "NL", "SE", "IN", "MX",
    ),
    "page_follows_city": (
        "London, England, United Kingdom", "Berlin, Germany", "Auckland, New Zealand", "Paris, Île-de-France, France",
        "Tokyo, Japan", "São Paulo, Brazil", "New York, NY", "Los Angeles, CA", "Sydney, NSW, Australia",
        "Toronto, ON, Canada", "Madrid, Spain", "Zürich, Switzerland", "Amsterdam, Netherlands", "Mumbai, India",
        "Mexico City, Mexico", "München, Bayern, Germany", "Seattle, WA", "Wellington, New Zealand",
    ),
}
DIMENSIONS = {"page_follows_country": "country", "page_follows_city": "city"}


def followers_by_place(world: World, page_id: str, name: str, followers: int) -> dict[str, int]:
    """Return the followers by city or country, most first; some live in places that Meta does not name."""
    weights = {place: 1 + world.roll(page_id, name, place) % 100 for place in PLACES[name]}
    whole = sum(weights.values()) * 100 // (92 if name == "page_follows_country" else 35)
    counts = {place: followers * weight // whole for place, weight in weights.items()}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
