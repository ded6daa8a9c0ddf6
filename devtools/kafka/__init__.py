"""Apache Kafka for development and tests; an in-memory broker where Java or Maven is missing."""
