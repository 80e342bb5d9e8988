"""A client of a JSON API over HTTP, for any forge; what differs is a `Dialect`."""
