"""The kinds of figures, a file each: what recipes declare, how it is drawn, and its caption."""
