"""The only place that writes to the application's database or to Evolution."""
