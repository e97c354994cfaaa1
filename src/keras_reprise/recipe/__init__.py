"""What a recipe file is made of, how one is loaded, and what decides its numbers."""
