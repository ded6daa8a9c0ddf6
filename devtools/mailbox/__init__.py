"""A mail server that keeps what it is sent and shows it: SMTP in, web page and JSON out.

Nothing leaves it. It can be told to misbehave the way mail servers do.
"""
