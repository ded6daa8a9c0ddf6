"""A stand-in for PayPal's sandbox that runs on your own machine."""
