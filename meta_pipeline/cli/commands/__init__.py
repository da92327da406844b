"""The commands with their options, help and exit codes; the code behind a command is imported when it runs."""
