"""Microsoft Entra ID: where clients sign in, and what they check tokens with."""
