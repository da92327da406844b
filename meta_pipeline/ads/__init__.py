"""Reels ads: from a spec file to the steps of a plan, with everything that can be checked before a call is sent."""
