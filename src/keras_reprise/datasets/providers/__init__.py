"""The data sets that the package can bring, a file each: it sets PROVIDER, and the registry finds it."""
