"""results.deliver.

in: due deliveries. out: rendered objects at sinks, read back before they count. never: blocks one sink on another.
"""
