"""Start processes that end with the one that started them, and give them their environment.

The only package that writes `os.environ`. It does not depend on what a process does."""
