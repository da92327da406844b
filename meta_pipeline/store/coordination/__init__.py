"""Coordination between processes: leases, heartbeats, and whether a process still runs."""
