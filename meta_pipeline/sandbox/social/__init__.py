"""Facebook Pages, their Instagram accounts and Page insights."""
