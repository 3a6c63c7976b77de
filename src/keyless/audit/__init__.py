"""The audit: it finds what in a project's files will stop or change, when, and what to write.

Nothing is imported here: the doctor and the journal load ``keyless.audit.rules`` alone, which needs no parser.
"""
