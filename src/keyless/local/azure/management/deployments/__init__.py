"""Deployments of templates to resource groups.

https://learn.microsoft.com/en-us/rest/api/resources/deployments
"""
