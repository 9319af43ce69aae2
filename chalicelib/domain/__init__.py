"""The rules, pure: no I/O, no clock, no environment, and nothing imported from the rest of the project."""
