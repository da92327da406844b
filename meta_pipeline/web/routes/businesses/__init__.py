"""The pages about businesses: shares with partners, system users."""
