"""HTTP/1.1 as the local Azure speaks it: requests, answers, paths and connections. httptools parses what comes."""
