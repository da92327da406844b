"""The commands about landed files and the warehouse: compact, rebuild, expire, erase."""
