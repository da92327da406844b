"""The flows: functions that call the steps in order. Steps never call each other."""
