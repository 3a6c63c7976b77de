"""Microsoft Graph: who there is in the tenant."""
