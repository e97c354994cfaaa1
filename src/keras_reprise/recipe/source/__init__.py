"""Reading Python source without running it: its canonical form, its scopes, what it does, and the files it hangs together with."""
