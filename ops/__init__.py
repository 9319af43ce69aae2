"""The operator's command line: `python -m ops`. For the local stack and deployed ones; never deployed itself."""
