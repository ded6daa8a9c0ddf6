"""Break the shop in every way that can be thought of, and see that the books balance."""
