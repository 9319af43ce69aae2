"""Where things are kept: DynamoDB tables behind small classes. Nothing here decides anything about money or access."""
