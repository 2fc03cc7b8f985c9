"""The networks and losses of a method as a figure: boxes and arrows, their places, in SVG and Mermaid."""
