"""Pictures and pages of runs: curves, filters, reports. Everything is SVG and HTML without other packages."""
