"""Who a visitor is, and which pages are for whom."""
