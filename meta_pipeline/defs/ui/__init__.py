"""The Dagster UI of `up`: its server, the guard in front of it, and the code server that it shares with the daemon."""
