"""A Kafka that is not as it should be: each fault ends in a stated place, and nothing is lost."""
