"""Model files: reading them, and recognising what is in them."""
