"""What others do, re-implemented from their papers, under the same protocol as ours."""
