"""What can be typed: options, words and exit codes; the verb behind a command is imported when it runs."""
