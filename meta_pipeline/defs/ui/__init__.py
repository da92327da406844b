"""The Dagster UI of `up`: its server, the guard before it, and the code server that it shares with the daemon."""
