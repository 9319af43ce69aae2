"""What Anteroom is on AWS: the tables, the alarms, and the packaging of a stage. Never deployed itself."""
