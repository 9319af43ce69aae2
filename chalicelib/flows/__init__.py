"""The jobs of the product, one module each: load, decide (the domain does), save under a condition, carry out."""
