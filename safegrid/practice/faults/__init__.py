"""What looks wrong in a log, each kind of fault with its rows. A clean log has none."""
