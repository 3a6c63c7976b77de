"""The inside of a reader: what is remembered, who asks the services, and what all who wait get."""
