"""The language of deployment templates: expressions, functions, parameters, loops, the order of resources. It makes nothing.

https://learn.microsoft.com/en-us/azure/azure-resource-manager/templates/syntax
"""
