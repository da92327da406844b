"""What reads cost in calls and time."""
