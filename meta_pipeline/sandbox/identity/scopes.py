"""The permissions that exist, and the Login for Business configurations."""

from __future__ import annotations

ALL_SCOPES = (
    "ads_read", "ads_management", "business_management", "pages_show_list", "pages_read_engagement", "read_insights",
    "instagram_basic", "instagram_manage_insights",
)
# Token kind and permissions by `config_id`; a person grants all of them or none (docs/graph-api.md §4.1).
CONFIGURATIONS = {
    "1100000000000001": ("USER", ALL_SCOPES),
    "1100000000000002": ("SYSTEM_USER", ALL_SCOPES),
}
