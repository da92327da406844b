"""People and nodes that leave: callbacks that were received, erasures, and the key that signs their receipts."""
