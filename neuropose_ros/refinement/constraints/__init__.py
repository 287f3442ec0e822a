"""What bodies can do: bones keep their length, joints have limits, feet stand."""
