"""The console: a page on loopback that shows what a local Azure is asked, and lets its user change it."""
