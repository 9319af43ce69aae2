"""The edge: parses requests, calls one flow, shapes the answer. Decides nothing about money or access."""
