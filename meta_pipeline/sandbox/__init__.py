"""A Graph API that runs on your own machine, so faithful that the official SDK can't tell; imports nothing of the rest.

Here belongs what Meta does, read from its documentation a second time, and how to order it (`control.py`); what a
client does about it does not.
"""
