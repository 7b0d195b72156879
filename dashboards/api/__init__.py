"""The HTTP API for other systems (12345, OA): push documents, read events and tasks."""
