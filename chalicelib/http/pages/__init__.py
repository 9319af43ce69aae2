"""The client's pages: what a link shows to the person who opens it. Takes decisions as they are, and makes none."""
