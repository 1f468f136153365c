"""What dispatch shows an operator."""
