"""Reels ads: plan, apply, activate and roll back."""
