"""Tables that are copied into the warehouse from the control store and from the file of exchange rates."""
