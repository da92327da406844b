"""The commands of Reels ads."""
