"""Start processes that end with the one that started them, and give them their environment.

The only package that writes `os.environ`. What a process does is not its concern."""
