"""What readers see: the site, figures, citations, exports."""
