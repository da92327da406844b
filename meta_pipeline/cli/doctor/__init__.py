"""`doctor`: checks of the settings, the connections and the daily work."""
