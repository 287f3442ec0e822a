"""Value types and arithmetic that everything else stands on. Imports numpy alone."""
