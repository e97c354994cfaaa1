"""Reading Python source without running it: its canonical form, its scopes, what it does, what it depends on."""
