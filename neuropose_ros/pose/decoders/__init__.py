"""What the outputs of the field's networks mean; pure functions, one module for each family."""
