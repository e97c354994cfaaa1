"""One arm, the replicate it belongs to, the environment, and the record made of them."""
