"""Pure translation: journal records to lines and back."""
