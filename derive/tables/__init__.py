"""What is known: operations, laws, layers, notations, update rules.  To add mathematics, add a row here."""
