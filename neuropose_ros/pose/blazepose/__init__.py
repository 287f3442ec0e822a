"""BlazePose (Bazarevsky et al. 2020): one person, 33 joints in the picture and in metres."""
