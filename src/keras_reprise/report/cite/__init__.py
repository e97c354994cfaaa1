"""Numbers, tables and figures of the store in other people's texts: identifiers, citations, LaTeX, checking."""
