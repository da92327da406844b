"""Declarations of the commands of Reels ads."""
