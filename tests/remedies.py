"""What every remedy must have: something to do, that can be done as it is printed."""

from __future__ import annotations

import re

# Remedies that neither a command nor the portal can carry out, by their first words, and why.
NEITHER = {
    "Wait, and keep one SecretReader": "the program itself must change",
    "The vault's own words above give": "nothing but those words tells what the vault did not like",
    "Pass one of them": "the program itself must change",
    "Give the reader a credential of azure-identity": "the program itself must change",
    "Use the name that the secret has in the vault": "the name is the caller's, and the vault is not known",
    "Copy it from the secret's identifier": "the version is the caller's, and the vault is not known",
    "Make the reference a setting of its own": "what else the setting holds is the program's",
    "Look at the variables of this stage": "the doctor does not know what it could not examine",
}
# Words in capitals that are no placeholders: variables, levels, and what a command asks of grep.
_NO_PLACEHOLDERS = re.compile(
    r"\b(HTTPS?_PROXY|NO_PROXY|IDENTITY_\w+|IMDS_ENDPOINT|MSI_\w+|AZURE_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|USER|WARNING|"
    r"KEY_VAULT_URL|SECRET_NAME|SSL_CERT_FILE|JDK_JAVA_OPTIONS)\b"
)


def flaw(remedy: str) -> str | None:
    """Return what is wrong with a remedy; None where it can be followed as it stands."""
    if remedy.count("`") % 2:
        return "a command does not end"
    words, commands = remedy.split("`")[::2], remedy.split("`")[1::2]
    if not commands and "Portal: " not in remedy and not remedy.startswith(tuple(NEITHER)):
        return "neither a command nor the portal, and no reason why"
    if re.search(r"\baz [a-z]", " ".join(words)):
        return "a command that is not between backticks"
    if any(text.strip() and not text.rstrip().endswith(":") for text in words[:-1]):
        return "a command that no words introduce"
    for command in commands:
        for placeholder in re.findall(r"\b[A-Z][A-Z_]+\b", _NO_PLACEHOLDERS.sub("", command)):
            if not re.search(rf"\b{placeholder}\b", " ".join(words)):
                return f"{placeholder} is not explained"
        if command.count('"') % 2 or command.count("$(") != len(re.findall(r'\)["/]', command)):
            return "quotation marks that do not match"
    return None
